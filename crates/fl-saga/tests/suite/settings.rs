//! Specs as data.
#![cfg(feature = "serde")]

use fl_saga::{
    ByzVrMarina, Clip, DenseSaga, FullGradient, LocalSteps, LooplessSvrg, Momentum, MomentumForm,
    Page, Ridge, Sag, Saga, Sampling, Sarah, Sent, Sgd, Storm, Svrg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

fn round_trip<S: Serialize + DeserializeOwned + Debug + Default + PartialEq>(spec: S, text: &str) {
    assert_eq!(serde_json::to_string(&spec).unwrap(), text);
    assert_eq!(serde_json::from_str::<S>(text).unwrap(), spec);
    // What is not said is the default, and what is misspelt is refused.
    assert_eq!(serde_json::from_str::<S>("{}").unwrap(), S::default());
    let error = serde_json::from_str::<S>(r#"{"batchsize": 3}"#).unwrap_err().to_string();
    assert!(error.contains("unknown field `batchsize`"), "{error}");
}

#[test]
fn every_spec_is_read_back_as_it_was_written() {
    let sampling = Sampling::WindowCut;
    let drawn = r#""batch":8,"sampling":"window-cut""#;
    round_trip(FullGradient {}, "{}");
    round_trip(Sgd { batch: 8, sampling }, &format!("{{{drawn}}}"));
    round_trip(Saga { batch: 8, sampling }, &format!("{{{drawn}}}"));
    round_trip(Sag { batch: 8, sampling }, &format!("{{{drawn}}}"));
    let dense = DenseSaga { batch: 8, sampling, ridge: Ridge::Inside };
    round_trip(dense, &format!(r#"{{{drawn},"ridge":"inside"}}"#));
    let svrg = Svrg { batch: 8, sampling, every: Some(5) };
    round_trip(svrg, &format!(r#"{{{drawn},"every":5}}"#));
    let sarah = Sarah { batch: 8, sampling, every: None };
    round_trip(sarah, &format!(r#"{{{drawn},"every":null}}"#));
    let loopless = LooplessSvrg { batch: 8, sampling, probability: Some(0.5) };
    round_trip(loopless, &format!(r#"{{{drawn},"probability":0.5}}"#));
    let page = Page { batch: 8, sampling, probability: Some(0.5) };
    round_trip(page, &format!(r#"{{{drawn},"probability":0.5}}"#));
    let storm = Storm { batch: 8, sampling, rate: 0.5 };
    round_trip(storm, &format!(r#"{{{drawn},"rate":0.5}}"#));
    let marina = ByzVrMarina { batch: 8, sampling, probability: 0.5 };
    round_trip(marina, &format!(r#"{{{drawn},"probability":0.5}}"#));
    let momentum = Momentum { beta: 0.5, form: MomentumForm::HeavyBall };
    round_trip(momentum, r#"{"beta":0.5,"form":"heavy-ball"}"#);
    round_trip(Clip { norm: 2.5 }, r#"{"norm":2.5}"#);
    let steps = LocalSteps { steps: 5, step: 0.5, send: Sent::Gradient };
    round_trip(steps, r#"{"steps":5,"step":0.5,"send":"gradient"}"#);
}
