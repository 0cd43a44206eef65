//! What a heat map is written as.

use std::path::{Path, PathBuf};

use super::png::write_png;
use super::save::save_scene;
use super::svg::write_svg;
use crate::error::PlotError;
use crate::figure::HeatMap;
use crate::layout::lay_out_heat_map;

impl HeatMap {
    /// The map as an SVG document; pointing at a cell shows its row, its column and its number.
    ///
    /// # Errors
    /// [`PlotError::Table`] when the numbers do not fill the table, [`PlotError::HeatRange`] when the
    /// range cannot be one, [`PlotError::HeatSize`] when the picture would be too large.
    pub fn svg(&self) -> Result<String, PlotError> {
        Ok(write_svg(&lay_out_heat_map(self)?))
    }

    /// The map as a PNG file, `scale` pixels for one.
    ///
    /// # Errors
    /// As [`svg`](Self::svg), [`PlotError::PngScale`] and [`PlotError::Encode`].
    pub fn png(&self, scale: f32) -> Result<Vec<u8>, PlotError> {
        write_png(&lay_out_heat_map(self)?, scale)
    }

    /// Writes `STEM.svg` and `STEM.png` as [`save`](crate::save()) does for curves.
    ///
    /// # Errors
    /// As [`svg`](Self::svg), and [`PlotError::Stem`] and [`PlotError::Write`].
    pub fn save(&self, stem: &Path) -> Result<[PathBuf; 2], PlotError> {
        save_scene(&lay_out_heat_map(self)?, stem)
    }
}
