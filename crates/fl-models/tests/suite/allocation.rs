//! After building, nothing is allocated: counted in the allocator, for the thread that computes.

// Counting needs an allocator, and `GlobalAlloc` is an unsafe trait.

use crate::common::*;
use allocation_counter::measure;
use fl_core::{Batch, Fold};
use fl_models::{LeastSquares, Perceptron, Softmax};

#[test]
fn nothing_is_allocated_after_building() {
    // D not a multiple of 16 needs padded copies; 40 samples are two groups.
    let (columns, classes, b) = (37, 5, 40);
    let labels: Vec<u32> = (0..b as u32).map(|i| i % 5).collect();
    let data = dataset(&rows(1, b, columns), columns, labels, classes);
    let indices: Vec<u32> = (0..b as u32).collect();
    let mut batch = Batch::<f32>::new(&data, b);
    batch.gather(&data, &indices);
    for model in [
        Softmax { l2: 0.1, ..Softmax::default() }.build::<f32>(columns, classes).unwrap(),
        LeastSquares::default().build(columns, classes).unwrap(),
        Perceptron { hidden: vec![19, 6], ..Perceptron::default() }
            .build(columns, classes)
            .unwrap(),
    ] {
        let params: Vec<f32> = convert(&noise(2, model.dim()));
        let mut new = vec![0.0; b * model.record_len()];
        let (mut message, mut mean) = (params.clone(), params.clone());
        let (mut losses, mut predictions) = (vec![0.0; b], vec![0; b]);
        let mut outputs = vec![0.0; b * model.output_len()];
        let factors = vec![0.5; b];
        let mut memory = scratch(&*model, b);
        let counted = measure(|| {
            for _ in 0..3 {
                batch.gather(&data, &indices);
                model.records(&params, &batch, &mut new, &mut memory);
                model.scale_records(&factors, &mut new);
                model.squared_norms(&batch, &new, None, &mut losses, &mut memory);
                model.evaluate(&params, &batch, &mut losses, &mut predictions, &mut memory);
                model.predict(&params, &batch, &mut outputs, &mut memory);
                let fold = Fold {
                    message: &mut message,
                    add: true,
                    scale: 0.1,
                    ridge: Some((0.1, &params)),
                    mean: Some((&mut mean, 0.1)),
                };
                model.fold(&batch, &new, None, fold, &mut memory);
            }
        });
        assert_eq!(counted.count_total, 0);
    }
}
