//! What the paper says about its figures, in its own order, and the rules by which a claim is judged.
//!
//! The rules were written before the runs and are the same for all figures.
//! An estimate is the mean over seeds of the final accuracy with its 95 % interval (Student's t); differences are
//! paired by seed. A claim *holds* where the interval lies on its side of the threshold. It *does not hold* where the
//! interval lies on the other side. It *cannot be told* in between, or where something was not run. With one seed there
//! is no interval: thresholds are judged on the number itself, differences cannot be told.
//!
//! | the paper says | rule |
//! |---|---|
//! | fails | below 0.5 |
//! | satisfactory, performs well, works well, robust, favourable | at least three quarters of the best possible accuracy |
//! | around 0.73 | within 0.015 |
//! | comparable, degenerates to | the interval of the difference within ± 0.015 |
//! | outperforms, is enhanced, gains over; the reverse of degraded, worst | the interval of the difference above 0 |
//! | remarkably outperforms | the interval of the difference above 0.015 |
//! | the best possible accuracy is 0.8 | no method above it, by the lower end of its interval, and the lost classes below 0.05 |
//! | degrades when α increases | from the least B to the greatest the interval of the difference below 0 |
//! | monotonically | the same from each B to the next |
//! | insensitive | what it loses from the least B to the greatest is less than what each other loses, by the paired interval |
//! | eliminates the inner variation | that of the messages is at most 1 % of that without SAGA, at the end |

mod judge;
mod paper;
mod statement;

pub(crate) use judge::{NEAR, Verdict, judge};
pub(crate) use paper::statements;
pub(crate) use statement::{Claim, m};
