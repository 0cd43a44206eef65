//! Four IDX files become a training part and a test part.

use super::KnownError;
use crate::format::idx::IdxError;
use crate::format::{FileError, idx};
use crate::shape::{Answers, Numbers, Scale, Shaper, Split};
use fl_core::Dataset;
use fl_core::data::Layout;
use std::borrow::Cow;
use std::path::PathBuf;

/// Labels `first … first + classes − 1`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels {
    pub(super) first: u32,
    pub(super) classes: u32,
}

impl Labels {
    /// What the classes are as numbers.
    fn answers(self) -> Answers {
        let names = (self.first..self.first + self.classes).map(|label| label.to_string());
        Answers::of(&names.collect::<Vec<_>>())
    }

    /// The classes, from 0, that an IDX file of labels says.
    fn read(self, bytes: &[u8]) -> Result<Vec<u32>, IdxError> {
        let Self { first, classes } = self;
        let labels = idx::labels(bytes, first + classes)?;
        match labels.iter().position(|&label| label < first) {
            None => Ok(labels.into_iter().map(|label| label - first).collect()),
            Some(at) => {
                let offset = (bytes.len() - labels.len() + at) as u64;
                Err(IdxError::Label { offset, classes, found: labels[at] as u8 })
            }
        }
    }
}

/// The parts, and the pictures' height and width. `file(i)` gives the plain bytes and the place of training images, training
/// labels, test images and test labels. Pictures that lie on their sides are set upright.
pub(super) fn pairs(
    labels: Labels,
    lying: bool,
    scale: Option<Scale>,
    mut file: impl FnMut(usize) -> Result<(Vec<u8>, PathBuf), KnownError>,
) -> Result<(Split, (usize, usize)), KnownError> {
    let mut parts = Vec::new();
    let mut expected = None;
    let mut shaper = None;
    for images_at in [0, 2] {
        // Of all bytes, only one file's are held beside the data sets: the next is read when the last is compacted.
        let (bytes, labels_path) = file(images_at + 1)?;
        let classes =
            labels.read(&bytes).map_err(|why| FileError::Idx { path: labels_path.clone(), why })?;
        let (bytes, images_path) = file(images_at)?;
        let images =
            idx::images(&bytes).map_err(|why| FileError::Idx { path: images_path.clone(), why })?;
        if images.count != classes.len() {
            return Err(KnownError::Counts {
                images_path,
                images: images.count,
                labels_path,
                labels: classes.len(),
            });
        }
        let (height, width) = match lying {
            true => (images.width, images.height),
            false => (images.height, images.width),
        };
        let expected = *expected.get_or_insert((height, width));
        if expected != (height, width) {
            let path = images_path;
            return Err(KnownError::Pixels { path, expected, found: (height, width) });
        }
        let pixels = match lying {
            true => Cow::Owned(upright(images.pixels, height, width)),
            false => Cow::Borrowed(images.pixels),
        };
        let layout = Layout::Image { height, width };
        let count = labels.classes as usize;
        let part = shaper
            .get_or_insert_with(|| {
                Shaper::new(scale, height * width, count, layout).answering(labels.answers())
            })
            .part_of(Numbers::Bytes { values: &pixels, unit: 1.0 / 255.0 }, classes, None)
            .map_err(|why| KnownError::Dataset { path: images_path, why })?;
        parts.push(part);
    }
    let [train, test] = <[Dataset; 2]>::try_from(parts).expect("two pairs of files");
    let sides = expected.expect("pictures of the first pair");
    Ok((Split { train, validation: None, test }, sides))
}

/// Exchanges rows and columns of each picture, which then has `height` rows.
fn upright(pixels: &[u8], height: usize, width: usize) -> Vec<u8> {
    let mut out = vec![0; pixels.len()];
    let size = height * width;
    for (from, to) in pixels.chunks_exact(size.max(1)).zip(out.chunks_exact_mut(size.max(1))) {
        for (i, to) in to.iter_mut().enumerate() {
            *to = from[i % width * height + i / width];
        }
    }
    out
}
