//! What cannot work is refused, by name and with its numbers.

use fl_agg::{
    Aksel, AkselKeep, Bulyan, Caf, CenteredClipping, Cge, Dnc, Faba, GeometricMedian, Ios, Krum,
    Mda, Mean, Messages, MessagesRef, Monna, MultiKrum, NormFilteredMean, RuleSpec, Shape, Smea,
    WeightedMean, Weiszfeld,
};
use fl_core::{Cx, PartVisitor, Pipeline, Registrable, Streams};

/// What a server says about a round, when it is built or when the round arrives.
fn error(rule: impl RuleSpec + 'static, rows: &[Vec<f64>], byzantine: usize) -> String {
    let messages = Messages::from_rows(rows);
    match fl_agg::aggregate(rule, &messages, byzantine) {
        Ok((out, _)) => panic!("{out:?}"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn too_few_messages_for_f_are_refused_with_both_numbers() {
    let check = |rule: &dyn RuleSpec, workers, byzantine, expected: &str| {
        let shape = Shape { workers, byzantine };
        let error = rule.check(shape).expect_err("too few").to_string();
        let expected =
            format!("{}: the number of messages must be at least {expected}", rule.name());
        assert_eq!(error, expected);
        // A rule that brings a chain is built behind it, for what that leaves.
        if rule.chain().is_empty() {
            assert_eq!(rule.build(shape).expect_err("too few").to_string(), error);
        }
    };
    for rule in [&Mda::default() as &dyn RuleSpec, &Smea::default(), &Caf::default()] {
        check(rule, 6, 3, "7 (2f + 1, for f = 3 Byzantine), got 6");
    }
    check(&Aksel { keep: AkselKeep::AllButF }, 4, 2, "5 (2f + 1, for f = 2 Byzantine), got 4");
    check(&Krum::default(), 8, 6, "9 (f + 3, for f = 6 Byzantine), got 8");
    check(&MultiKrum::default(), 8, 6, "9 (f + 3, for f = 6 Byzantine), got 8");
    check(&Bulyan::default(), 8, 2, "9 (4f + 1, for f = 2 Byzantine), got 8");
    for rule in [&Cge::default() as &dyn RuleSpec, &Faba, &Ios::default(), &Monna::default()] {
        check(rule, 3, 3, "4 (f + 1, for f = 3 Byzantine), got 3");
    }
    check(&Dnc::default(), 2, 2, "3 (one more than filter · f, for f = 2 Byzantine), got 2");
    for rule in [
        &Mean as &dyn RuleSpec,
        &WeightedMean { weights: vec![] },
        &GeometricMedian::default(),
        &Weiszfeld::default(),
        &CenteredClipping::default(),
        &NormFilteredMean::default(),
    ] {
        check(rule, 0, 0, "1, got 0");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let rows = vec![vec![1.0], vec![2.0], vec![4.0], vec![3.0]];
    assert_eq!(
        error(CenteredClipping { tau: -1.0, ..Default::default() }, &rows, 0),
        "centered-clipping: tau must be above 0, got -1"
    );
    assert_eq!(
        error(MultiKrum { m: Some(0), ..Default::default() }, &rows, 0),
        "multi-krum: m must be between 1 and the number of messages, 4, got 0"
    );
    assert_eq!(
        error(MultiKrum { m: Some(5), ..Default::default() }, &rows, 0),
        "multi-krum: m must be between 1 and the number of messages, 4, got 5"
    );
    assert_eq!(
        error(WeightedMean { weights: vec![1.0; 3] }, &rows, 0),
        "weighted-mean: weights must be one positive number for each of 4 workers, got 3 numbers"
    );
    assert_eq!(
        error(WeightedMean::default(), &rows, 0),
        "weighted-mean: weights must be one positive number for each of 4 workers, got 0 numbers"
    );
    assert_eq!(error(Mda { max_steps: 0 }, &rows, 1), "mda: max-steps must be at least 1, got 0");
    assert_eq!(error(Smea { max_steps: 0 }, &rows, 1), "smea: max-steps must be at least 1, got 0");
}

#[test]
fn nothing_finite_is_an_error_that_counts() {
    let nan = vec![vec![f64::NAN, 1.0]; 3];
    assert_eq!(
        error(Mean, &nan, 1),
        "0 of 3 messages are finite, which is not enough: at least 1 is needed"
    );
    assert_eq!(
        error(GeometricMedian::default(), &nan, 1),
        "0 of 3 messages are finite, which is not enough: at least 1 is needed"
    );
    // One of four is lost, and with it the certainty that a majority is regular.
    let mut rows = vec![vec![1.0], vec![2.0], vec![4.0], vec![3.0], vec![f64::INFINITY]];
    rows.push(vec![f64::NEG_INFINITY]);
    assert_eq!(
        error(MultiKrum { m: Some(5), ..Default::default() }, &rows, 2),
        "4 of 6 messages are finite, which is not enough: \
         multi-krum: m must be between 1 and the number of messages, 4, got 5"
    );
}

#[test]
fn messages_of_another_length_or_number_are_refused() {
    let shape = Shape { workers: 3, byzantine: 0 };
    let mut server =
        Pipeline::<f64>::build(Vec::new(), Box::new(Mean), shape, 2).expect("a valid shape");
    let streams = Streams::new(0);
    let mut refuse = |rows: &[Vec<f64>], out: &mut [f64]| {
        let messages = Messages::from_rows(rows);
        let error = server.aggregate(&Cx::new(&streams, 0), messages.view(), out);
        error.expect_err("another shape").to_string()
    };
    assert_eq!(
        refuse(&vec![vec![1.0; 4]; 3], &mut [0.0; 4]),
        "the server was built for 3 messages of 2 numbers, got 3 of 4 into 4"
    );
    assert_eq!(
        refuse(&vec![vec![1.0; 2]; 5], &mut [0.0; 2]),
        "the server was built for 3 messages of 2 numbers, got 5 of 2 into 2"
    );
    assert_eq!(
        refuse(&vec![vec![1.0; 2]; 3], &mut [0.0; 3]),
        "the server was built for 3 messages of 2 numbers, got 3 of 2 into 3"
    );
    assert!(MessagesRef::new(&[1.0, 2.0, 3.0], 2, 2).is_none());
    let empty = Messages::<f64>::zeros(3, 0);
    assert_eq!(
        fl_agg::aggregate(Mean, &empty, 0).unwrap_err().to_string(),
        "the length of a message must be at least 1, got 0"
    );
}

#[test]
fn every_listed_rule_refuses_a_round_without_messages_in_its_own_name() {
    struct Listed;
    impl PartVisitor for Listed {
        fn rule<R: RuleSpec + Registrable>(&mut self) {
            let rule = R::default();
            let error = rule.check(Shape { workers: 0, byzantine: 0 }).expect_err("no messages");
            assert_eq!(error.part, rule.name(), "{error}");
            assert!(!error.setting.contains(": "), "{error}");
        }
    }
    fl_agg::parts(&mut Listed);
}
