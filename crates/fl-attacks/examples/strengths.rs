//! How far each attack moves the plain mean of thirty messages, six of them Byzantine.
//!
//! `cargo run --release -p fl-attacks --example strengths`

use fl_attacks::{
    AttackContext, AttackSpec, AttackView, Federation, Gaussian, NoAttack, SampleDuplicating,
    SignFlipping, SpecError,
};
use fl_core::{Cx, Messages, Streams};

const WORKERS: usize = 30;
const DIM: usize = 100;

fn main() -> Result<(), SpecError> {
    let federation = Federation::new(WORKERS, &[24, 25, 26, 27, 28, 29])?;
    let attacks: [&dyn AttackSpec<f64>; 4] =
        [&NoAttack, &SignFlipping::default(), &Gaussian::default(), &SampleDuplicating::default()];
    for spec in attacks {
        // Worker w sends a one at coordinate w mod 10.
        let mut messages = Messages::zeros(WORKERS, DIM);
        for w in 0..WORKERS {
            messages.row_mut(w)[w % 10] = 1.0;
        }
        let honest = mean(&messages, WORKERS);
        let mut attack = spec.build(&AttackContext::new(&federation, DIM))?;
        let streams = Streams::new(0);
        attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
        let moved: f64 =
            mean(&messages, WORKERS).iter().zip(&honest).map(|(a, b)| (a - b).powi(2)).sum();
        println!("{:>18} moves the mean by {:.3}", spec.name(), moved.sqrt());
    }
    Ok(())
}

fn mean(messages: &Messages<f64>, workers: usize) -> Vec<f64> {
    let column = |i| (0..workers).map(|w| messages.row(w)[i]).sum::<f64>() / workers as f64;
    (0..messages.dim()).map(column).collect()
}
