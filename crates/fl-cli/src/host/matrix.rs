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
fn bytes(path: &Path) -> Result<Vec<u8>> {
    if is_stream(path) {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads the messages of a file, and tells where they may have been understood otherwise than meant.
pub(crate) fn read(path: &Path, header: Option<bool>) -> Result<(Matrix, Format)> {
    let (matrix, format, remark) = parse(&bytes(path)?, &path.display().to_string(), header)?;
    if let Some(remark) = remark {
        say::remark(format_args!("warning: {}: {remark}", path.display()));
    }
    Ok((matrix, format))
}

/// Reads messages: a file that begins as `.npy` files do is one, everything else is text. `header` says whether the first
/// line of a text holds names; without it, a line without a single number does.
fn parse(
    bytes: &[u8],
    name: &str,
    header: Option<bool>,
) -> Result<(Matrix, Format, Option<String>)> {
    if bytes.is_empty() {
        bail!("{name}: expected messages, found an empty file");
    }
    // A file that is cut within the mark, or named so, is still meant as one.
    if bytes.starts_with(b"\x93") || name.ends_with(".npy") {
        let matrix = from_npy(bytes).with_context(|| name.to_owned())?;
        return Ok((matrix, Format::Npy, None));
    }
    let (matrix, remark) = from_text(bytes, header).with_context(|| name.to_owned())?;
    Ok((matrix, Format::Csv, remark))
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
        _ => bail!(
            "expected float32 or float64, found {}; messages.astype('float32') converts them",
            array.what()
        ),
    }
}

/// Fields of a line: between commas, or between blanks where there is no comma.
fn fields(line: &str) -> Vec<&str> {
    if line.contains(',') {
        line.split(',').map(str::trim).collect()
    } else {
        line.split_whitespace().collect()
    }
}

fn from_text(bytes: &[u8], header: Option<bool>) -> Result<(Matrix, Option<String>)> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        bail!("expected text in UTF-8, found UTF-16; `iconv -f UTF-16 -t UTF-8` converts it");
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(e) => bail!("expected text or a .npy file, found other bytes at {}", e.valid_up_to()),
    };
    let mut numbers: Vec<f64> = Vec::new();
    let (mut workers, mut dim) = (0, 0);
    let mut remark = None;
    let is_row =
        |(_, text): &(usize, &str)| !text.trim().is_empty() && !text.trim().starts_with('#');
    let mut rows = text.lines().enumerate().filter(is_row).peekable();
    if let Some(&(_, first)) = rows.peek() {
        let fields = fields(first);
        let names = fields.iter().all(|field| field.parse::<f64>().is_err());
        let counts = fields.len() > 1 && fields.iter().zip(0..).all(|(f, i)| *f == i.to_string());
        if header.unwrap_or(names) {
            rows.next();
        }
        if header.is_none() && names {
            remark =
                Some("the first line is taken for names; --header false makes it a message".into());
        } else if header.is_none() && counts {
            remark = Some(
                "the first line counts 0, 1, 2, … and is taken for a message; --header true makes it names".into(),
            );
        }
    }
    for (line, text) in rows {
        let line = line + 1;
        if text.contains('\r') {
            bail!("line {line}: a carriage return stands alone; lines must end in LF or CR LF");
        }
        let before = numbers.len();
        for (column, field) in fields(text).into_iter().enumerate() {
            let Ok(number) = field.parse() else {
                let short: String = field.chars().take(32).collect();
                bail!("line {line}, column {}: expected a number, found {short:?}", column + 1);
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
    Ok((Matrix::Double { workers, numbers }, remark))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, header: Option<bool>) -> Result<(Vec<f64>, usize, Option<String>), String> {
        let (matrix, remark) = from_text(text.as_bytes(), header).map_err(|e| e.to_string())?;
        match matrix {
            Matrix::Double { workers, numbers } => Ok((numbers, workers, remark)),
            Matrix::Single { .. } => Err("single".into()),
        }
    }

    #[test]
    fn a_first_line_is_names_if_it_has_no_number_or_if_that_is_said() {
        let rows = vec![5.0, 5.0, 6.0, 6.0];
        assert_eq!(read("5,5\n6,6\n", None), Ok((rows.clone(), 2, None)));
        for (text, header) in [("a,b\n5,5\n6,6\n", Some(true)), ("0,1\n5,5\n6,6\n", Some(true))] {
            assert_eq!(read(text, header), Ok((rows.clone(), 2, None)), "{text}");
        }
        let (numbers, _, remark) = read("a,b\n5,5\n6,6\n", None).unwrap();
        assert!(numbers == rows && remark.unwrap().contains("taken for names"));
        let (numbers, _, remark) = read("0,1\n5,5\n6,6\n", None).unwrap();
        assert!(numbers.len() == 6 && remark.unwrap().contains("--header true"));
        assert_eq!(read("0,1\n5,5\n", Some(false)), Ok((vec![0.0, 1.0, 5.0, 5.0], 2, None)));
        assert!(read("a,1\n5,5\n", None).unwrap_err().contains("line 1, column 1"));
    }

    #[test]
    fn tables_of_blanks_comments_and_marks_are_read() {
        let rows = Ok((vec![1.0, 2.0, 3.0, -4.0], 2, None));
        for text in
            ["1 2\n3 -4\n", " 1\t2 \r\n\r\n3   -4", "# a b\n1,2\n# c\n3,-4\n", "\u{feff}1,2\n3, -4"]
        {
            assert_eq!(read(text, None), rows, "{text:?}");
        }
        assert!(read("1,2\r3,4\r", None).unwrap_err().contains("carriage return"));
        let utf16 = from_text(b"\xff\xfe1\0", None).unwrap_err().to_string();
        assert!(utf16.contains("UTF-16"), "{utf16}");
    }
}
