//! What cannot work is refused before round 0, with numbers.

use crate::common::{Rising, all, messages_of};
use fl_core::{Cx, Pipeline, Streams};
use fl_resample::{
    AdaptiveClipping, Bucketing, Clipping, Identity, Law, MedianClipping, Nnm, PreAggregatorSpec,
    Resample, Rest, Shape,
};

#[track_caller]
fn refused(spec: &dyn PreAggregatorSpec, workers: usize, byzantine: usize, message: &str) {
    let shape = Shape { workers, byzantine };
    assert_eq!(spec.output(shape).unwrap_err().to_string(), message);
    assert_eq!(spec.build(shape).unwrap_err().to_string(), message);
}

#[test]
fn averages_of_nothing_are_refused() {
    for law in [Law::Algorithm1, Law::Permutation] {
        let message = "resample: s must be between 1 and the number of messages, 30, got 0";
        refused(&Resample { s: 0, law }, 30, 2, message);
    }
    for rest in [Rest::Apart, Rest::Spread] {
        let message = "bucketing: s must be between 1 and the number of messages, 30, got 0";
        refused(&Bucketing { s: 0, rest }, 30, 2, message);
    }
}

#[test]
fn averages_of_more_messages_than_there_are_are_refused() {
    let message = "resample: s must be between 1 and the number of messages, 30, got 31";
    refused(&Resample { s: 31, ..Resample::default() }, 30, 2, message);
    let message = "bucketing: s must be between 1 and the number of messages, 3, got 4";
    refused(&Bucketing { s: 4, ..Bucketing::default() }, 3, 0, message);
}

#[test]
fn lengths_that_nothing_can_be_clipped_to_are_refused() {
    for (tau, got) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (-1.5, "-1.5"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
    ] {
        let message = format!("clipping: tau must be a finite number above 0, got {got}");
        refused(&Clipping { tau }, 30, 2, &message);
    }
}

#[test]
fn rounds_without_a_message_are_refused() {
    let average = "s must be between 1 and the number of messages, 0, got 2";
    refused(&Resample::default(), 0, 0, &format!("resample: {average}"));
    refused(&Bucketing::default(), 0, 0, &format!("bucketing: {average}"));
    let others: [&dyn PreAggregatorSpec; 4] =
        [&Nnm, &Clipping::default(), &AdaptiveClipping, &Identity];
    for spec in others {
        let name = spec.name();
        refused(spec, 0, 0, &format!("{name}: the number of messages must be at least 1, got 0"));
    }
}

#[test]
fn rounds_without_a_regular_message_are_refused_where_f_is_used() {
    let others: [&dyn PreAggregatorSpec; 3] = [&Nnm, &AdaptiveClipping, &MedianClipping];
    for spec in others {
        let name = spec.name();
        for byzantine in [4, 9] {
            let message = format!(
                "{name}: the number of Byzantine messages must be below the 4 messages, got {byzantine}"
            );
            refused(spec, 4, byzantine, &message);
        }
        assert!(spec.output(Shape { workers: 4, byzantine: 3 }).is_ok());
    }
}

#[test]
fn a_chain_is_refused_in_the_words_of_the_stage_that_cannot_work() {
    // Resampling leaves 30 of 30 contaminated, of which no nearest neighbours can be taken.
    let chain: Vec<Box<dyn PreAggregatorSpec>> =
        vec![Box::new(Resample { s: 5, ..Resample::default() }), Box::new(Nnm)];
    let shape = Shape { workers: 30, byzantine: 6 };
    let error = Pipeline::<f32>::build(chain, Box::new(Rising), shape, 8).unwrap_err();
    assert_eq!(
        error.to_string(),
        "nnm: the number of Byzantine messages must be below the 30 messages, got 30"
    );
    // Buckets are what the next buckets are made of.
    let buckets = |s| Box::new(Bucketing { s, ..Bucketing::default() });
    let error = Pipeline::<f32>::build(vec![buckets(4), buckets(9)], Box::new(Rising), shape, 8);
    assert_eq!(
        error.unwrap_err().to_string(),
        "bucketing: s must be between 1 and the number of messages, 8, got 9"
    );
}

#[test]
fn too_few_finite_messages_for_a_stage_are_an_error_with_numbers() {
    let spec = Bucketing { s: 3, ..Bucketing::default() };
    let shape = Shape { workers: 4, byzantine: 1 };
    let mut pipeline =
        Pipeline::build(vec![Box::new(spec)], Box::new(Rising), shape, 1).expect("a valid shape");
    let nan = vec![f64::NAN];
    let messages = messages_of::<f64>(&[vec![1.0], nan.clone(), nan, vec![2.0]]);
    let streams = Streams::new(0);
    let error = pipeline
        .aggregate(&Cx::new(&streams, 0), messages.view(), &mut [0.0])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "2 of 4 messages are finite, which is not enough: bucketing: s must be between 1 and the number of messages, 2, got 3"
    );
}

#[test]
fn shapes_come_out_as_documented() {
    let shape = |workers, byzantine| Shape { workers, byzantine };
    let names = |spec: &dyn PreAggregatorSpec| spec.name();
    let outputs = |s, workers, byzantine| {
        all(s, 1.0).map(|spec| {
            let out = spec.output(shape(workers, byzantine)).expect("a valid shape");
            (out.workers, out.byzantine)
        })
    };
    let kept = (30, 6);
    let double = (30, 12);
    assert_eq!(outputs(2, 30, 6), [double, double, (15, 6), (15, 6), kept, kept, kept, kept, kept]);
    // Four to an average or a bucket, and more contaminated than there are.
    let (all_of, kept) = ((11, 11), (11, 5));
    assert_eq!(outputs(4, 11, 5), [all_of, all_of, (3, 3), (2, 2), kept, kept, kept, kept, kept]);
    let expected = [
        "resample",
        "resample",
        "bucketing",
        "bucketing",
        "nnm",
        "clipping",
        "arc",
        "median-clipping",
        "identity",
    ];
    assert_eq!(all(1, 1.0).map(|spec| names(&*spec)), expected);
}

#[cfg(feature = "serde")]
mod files {
    use super::*;
    use serde_json::{from_str, to_string};

    #[test]
    fn settings_are_read_from_a_table() {
        assert_eq!(from_str::<Resample>("{}").expect("valid"), Resample::default());
        assert_eq!(
            from_str::<Resample>(r#"{"s": 3, "law": "permutation"}"#).expect("valid"),
            Resample { s: 3, law: Law::Permutation }
        );
        assert_eq!(
            from_str::<Bucketing>(r#"{"rest": "spread"}"#).expect("valid"),
            Bucketing { s: 2, rest: Rest::Spread }
        );
        assert_eq!(from_str::<Clipping>(r#"{"tau": 0.5}"#).expect("valid"), Clipping { tau: 0.5 });
        assert_eq!(from_str::<Nnm>("{}").expect("valid"), Nnm);
        assert_eq!(from_str::<AdaptiveClipping>("{}").expect("valid"), AdaptiveClipping);
        assert_eq!(from_str::<Identity>("{}").expect("valid"), Identity);
        let text = to_string(&Resample::default()).expect("plain data");
        assert_eq!(text, r#"{"s":2,"law":"algorithm1"}"#);
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        let error = from_str::<Resample>(r#"{"S": 3}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `S`, expected `s` or `law`"), "{error}");
        let error = from_str::<Resample>(r#"{"law": "lemma-3"}"#).unwrap_err().to_string();
        assert!(error.contains("expected `algorithm1` or `permutation`"), "{error}");
        let error = from_str::<Nnm>(r#"{"f": 3}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `f`"), "{error}");
    }
}
