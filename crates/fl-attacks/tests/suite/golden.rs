//! Attacks against the answers of other implementations.

use fl_attacks::{
    Alie, AlieDeviation, AttackContext, AttackSpec, AttackView, Federation, Infinity, Ipm, Mimic,
    SignFlipping, SignFlippingTarget,
};
use fl_core::{Cx, Messages, Streams};
use serde_json::Value;

fn cases(op: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("golden/byzfl.json")).expect("JSON");
    let cases = file["cases"].as_array().expect("cases").iter();
    cases.filter(|case| case["op"] == op).cloned().collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    let number = |x: &Value| match x.as_str() {
        Some("inf") => f64::INFINITY,
        _ => x.as_f64().expect("a number"),
    };
    value.as_array().expect("numbers").iter().map(number).collect()
}

/// What a Byzantine worker behind the case's honest ones sends, against what the case says.
#[track_caller]
fn same(op: &str, count: usize, spec: impl Fn(&Value) -> Box<dyn AttackSpec<f64>>) {
    let cases = cases(op);
    assert_eq!(cases.len(), count, "{op}");
    for case in cases {
        let mut rows: Vec<Vec<f64>> =
            case["input"].as_array().expect("rows").iter().map(numbers).collect();
        let (workers, dim) = (rows.len(), rows[0].len());
        rows.push(vec![0.0; dim]);
        let mut messages = Messages::from_rows(&rows);
        let federation = Federation::new(workers + 1, &[workers as u32]).expect("valid");
        let mut attack =
            spec(&case["params"]).build(&AttackContext::new(&federation, dim)).expect("valid");
        let streams = Streams::new(0);
        attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
        for (k, (x, y)) in messages.row(workers).iter().zip(numbers(&case["output"])).enumerate() {
            // Rounding of a column is relative to the largest number in it.
            let size = rows.iter().map(|row| row[k].abs()).fold(0.0, f64::max);
            let close = (x - y).abs() <= 1e-14 * size.max(y.abs()) || *x == y;
            assert!(close, "{op}, {}, column {k}: {x} against {y}", case["case"]);
        }
    }
}

#[test]
fn signs_are_flipped_as_byzfl_does() {
    same("SignFlipping", 3, |_| {
        Box::new(SignFlipping { factor: -1.0, target: SignFlippingTarget::HonestMean })
    });
}

#[test]
fn inner_products_are_manipulated_as_byzfl_does() {
    same("InnerProductManipulation", 3, |params| {
        Box::new(Ipm { epsilon: params["tau"].as_f64().expect("a number") })
    });
}

#[test]
fn a_little_is_enough_as_in_byzfl() {
    same("ALittleIsEnough", 3, |params| {
        let z = params["tau"].as_f64();
        Box::new(Alie { z, std: AlieDeviation::Unbiased, ..Alie::default() })
    });
}

#[test]
fn the_worker_that_byzfl_mimics_is_mimicked() {
    same("Mimic", 3, |params| {
        let worker = params["epsilon"].as_u64().map(|worker| worker as usize);
        Box::new(Mimic { worker, ..Mimic::default() })
    });
}

#[test]
fn infinity_is_what_byzfl_sends() {
    same("Inf", 3, |_| Box::<Infinity>::default());
}
