//! Who is who among the workers of a round.

use crate::SpecError;

/// Who is who in a federation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Federation {
    byzantine: Vec<bool>,
    regular: Vec<u32>,
    faulty: Vec<u32>,
}

impl Federation {
    /// `workers` workers, of which those listed are Byzantine.
    ///
    /// # Errors
    /// When one is no worker, or none is left regular.
    pub fn new(workers: usize, byzantine: &[u32]) -> Result<Self, SpecError> {
        let mut is_byzantine = vec![false; workers];
        for &b in byzantine {
            match is_byzantine.get_mut(b as usize) {
                Some(flag) => *flag = true,
                None => {
                    let allowed = format!("one of the workers 0 to {}", workers.saturating_sub(1));
                    return Err(SpecError::new("a Byzantine worker", allowed, b));
                }
            }
        }
        let pick =
            |which| (0..workers as u32).filter(|&w| is_byzantine[w as usize] == which).collect();
        let (regular, faulty): (Vec<u32>, Vec<u32>) = (pick(false), pick(true));
        if regular.is_empty() {
            let allowed = format!("fewer than the {workers} workers");
            return Err(SpecError::new("the number of Byzantine workers", allowed, faulty.len()));
        }
        Ok(Self { byzantine: is_byzantine, regular, faulty })
    }

    /// Makes as many others Byzantine, in place: nothing is allocated.
    ///
    /// # Panics
    /// When one is no worker, one is there twice, or they are not as many as before.
    pub fn replace(&mut self, byzantine: &[u32]) {
        let Self { byzantine: flags, regular, faulty } = self;
        flags.fill(false);
        byzantine.iter().for_each(|&b| flags[b as usize] = true);
        let count = flags.iter().filter(|&&flag| flag).count();
        assert_eq!((byzantine.len(), count), (faulty.len(), faulty.len()), "as many as before");
        for (list, which) in [(regular, false), (faulty, true)] {
            list.clear();
            list.extend((0..flags.len() as u32).filter(|&w| flags[w as usize] == which));
        }
    }

    /// Makes this one of those workers of `all` alone who are in `present`, one flag a worker, in place: nothing is allocated
    /// in a clone of `all`. W stays the same; either list may be empty then.
    ///
    /// # Panics
    /// When the numbers of workers differ.
    pub fn keep_present(&mut self, all: &Federation, present: &[bool]) {
        let Self { byzantine, regular, faulty } = self;
        assert_eq!(present.len(), all.workers(), "one flag a worker");
        byzantine.copy_from_slice(&all.byzantine);
        for (list, of) in [(regular, &all.regular), (faulty, &all.faulty)] {
            list.clear();
            list.extend(of.iter().copied().filter(|&w| present[w as usize]));
        }
    }

    /// W.
    pub fn workers(&self) -> usize {
        self.byzantine.len()
    }

    /// The regular workers, in rising order.
    pub fn regular(&self) -> &[u32] {
        &self.regular
    }

    /// The Byzantine workers, in rising order.
    pub fn byzantine(&self) -> &[u32] {
        &self.faulty
    }

    /// Whether worker `w` is Byzantine.
    pub fn is_byzantine(&self, w: usize) -> bool {
        self.byzantine[w]
    }
}
