//! Messages from a file, and an output to one: NumPy's `.npy`, or CSV.

use super::failure::Failure;
use super::{say, write};
use anyhow::{Context, Result, anyhow, bail};
use fl_core::Scalar;
use fl_data::npy;
use std::fmt::Write;
use std::io::{IsTerminal, Read};
use std::path::Path;

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Npy,
    Csv,
}

/// W rows of p numbers, in the type of the file.
#[derive(Debug)]
pub(crate) enum Matrix {
    Single { workers: usize, numbers: Vec<f32> },
    Double { workers: usize, numbers: Vec<f64> },
}

/// Whether a path stands for a standard stream.
pub(crate) fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The bytes of a file, or of standard input.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>> {
    if is_stream(path) {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads messages: a file that begins as `.npy` files do is one, everything else is CSV.
pub(crate) fn parse(bytes: &[u8], name: &str) -> Result<(Matrix, Format)> {
    if bytes.is_empty() {
        bail!("{name}: expected messages, found an empty file");
    }
    // A file that is cut within the mark, or named so, is still meant as one.
    if bytes.starts_with(b"\x93") || name.ends_with(".npy") {
        return Ok((from_npy(bytes).with_context(|| name.to_owned())?, Format::Npy));
    }
    Ok((from_csv(bytes).with_context(|| name.to_owned())?, Format::Csv))
}

fn from_npy(bytes: &[u8]) -> Result<Matrix> {
    let array = npy::parse(bytes)?;
    if array.shape.len() != 2 {
        bail!("expected an array of two axes, W×p, found shape {:?}", array.shape);
    }
    let workers = array.rows();
    match (array.kind, array.width) {
        (npy::Kind::Float, 4) => Ok(Matrix::Single { workers, numbers: array.to_f32() }),
        (npy::Kind::Float, 8) => Ok(Matrix::Double { workers, numbers: array.to_f64() }),
        (kind, width) => {
            let found = match kind {
                npy::Kind::Float => "floats",
                npy::Kind::Signed => "signed integers",
                npy::Kind::Unsigned => "unsigned integers",
            };
            bail!(
                "expected float32 or float64, found {found} of {width} bytes; messages.astype('float32') converts them"
            );
        }
    }
}

fn from_csv(bytes: &[u8]) -> Result<Matrix> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => bail!("expected text or a .npy file, found other bytes at {}", e.valid_up_to()),
    };
    let mut numbers: Vec<f64> = Vec::new();
    let (mut workers, mut dim) = (0, 0);
    for (line, text) in text.lines().enumerate() {
        let line = line + 1;
        if text.trim().is_empty() {
            continue;
        }
        let before = numbers.len();
        for (column, field) in text.split(',').enumerate() {
            let field = field.trim();
            let Ok(number) = field.parse() else {
                bail!("line {line}, column {}: expected a number, found {field:?}", column + 1);
            };
            numbers.push(number);
        }
        let found = numbers.len() - before;
        if workers == 0 {
            dim = found;
        } else if found != dim {
            bail!("line {line}: expected {dim} numbers as in the first line, found {found}");
        }
        workers += 1;
    }
    if workers == 0 {
        bail!("expected a message a line, found none");
    }
    Ok(Matrix::Double { workers, numbers })
}

/// One message as bytes.
pub(crate) fn to_bytes<T: Scalar>(numbers: &[T], format: Format) -> Vec<u8> {
    match format {
        Format::Csv => line(numbers).into_bytes(),
        Format::Npy => npy::write(numbers),
    }
}

/// Messages as bytes, one a row.
pub(crate) fn rows_to_bytes<T: Scalar>(rows: &[&[T]], format: Format) -> Vec<u8> {
    match format {
        Format::Csv => rows.iter().map(|row| line(row)).collect::<String>().into_bytes(),
        Format::Npy => npy::write_rows(&rows.concat(), rows.len()),
    }
}

fn line<T: Scalar>(numbers: &[T]) -> String {
    let mut text = String::new();
    for (i, x) in numbers.iter().enumerate() {
        // The shortest text that reads back as the same number.
        let _ = write!(text, "{}{x:?}", if i == 0 { "" } else { "," });
    }
    text.push('\n');
    text
}

/// The format of an output by its name, or else that of the input.
pub(crate) fn format_of(output: &Path, input: Format) -> Format {
    match output.extension().and_then(|e| e.to_str()) {
        Some("npy") => Format::Npy,
        Some("csv" | "txt") => Format::Csv,
        _ => input,
    }
}

/// Writes an output to its file, or to standard output.
pub(crate) fn write_output(output: &Path, bytes: &[u8], format: Format) -> Result<(), Failure> {
    if !is_stream(output) {
        return write(output, bytes);
    }
    if format == Format::Npy && std::io::stdout().is_terminal() {
        let message = "a .npy array is nothing for a terminal: --output FILE writes it to a file";
        return Err(Failure::Usage(anyhow!(message)));
    }
    say::bytes(bytes);
    Ok(())
}
