//! NumPy's `.npy` format, versions 1 to 3: a magic string, a header that is a Python dictionary, the data.
//!
//! The header is scanned, not evaluated: only the three keys that NumPy writes, with a type string, a boolean
//! and a tuple of integers. Structured types and Python objects are refused.

use super::element::Element;
use super::{LoadError, Loaded, MAX_AXES, decode};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Longest header read; NumPy itself warns beyond 10⁴ bytes.
const MAX_HEADER: usize = 1 << 16;

pub(super) fn read(bytes: &[u8]) -> Result<Loaded, LoadError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(LoadError::Malformed)?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => {
            let length = u32::from_le_bytes([*a, *b, *c, *d]);
            (usize::try_from(length).map_err(|_| LoadError::Malformed)?, rest)
        }
        [version, ..] if *version > 3 => return Err(LoadError::UnsupportedFormat),
        _ => return Err(LoadError::Malformed),
    };
    if length > MAX_HEADER {
        return Err(LoadError::UnsupportedFormat);
    }
    let (header, data) = rest.split_at_checked(length).ok_or(LoadError::Malformed)?;
    let header = std::str::from_utf8(header).map_err(|_| LoadError::Malformed)?;
    let header = Header::parse(header)?;
    decode(data, element(header.descr)?, header.shape, header.fortran)
}

/// The type that a string such as `<f4` names.
fn element(descr: &str) -> Result<Element, LoadError> {
    let unsupported = || LoadError::UnsupportedType { name: descr.to_owned() };
    let mut letters = descr.chars();
    let (order, kind) = (letters.next(), letters.next());
    let size = letters.as_str();
    if size.is_empty() || !size.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(unsupported());
    }
    let size: usize = size.parse().map_err(|_| unsupported())?;
    let element = match kind {
        Some('b') if size == 1 => Some(Element::BOOL),
        Some('i') => Element::signed(size),
        Some('u') => Element::unsigned(size),
        Some('f') => Element::float(size),
        _ => None,
    };
    let element = element.ok_or_else(unsupported)?;
    match order {
        Some('<') => Ok(element),
        Some('>') => Ok(element.big_endian()),
        Some('|') if element.size() == 1 => Ok(element),
        _ => Err(unsupported()),
    }
}

struct Header<'h> {
    descr: &'h str,
    fortran: bool,
    shape: Vec<usize>,
}

impl<'h> Header<'h> {
    /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }`, keys in any order.
    fn parse(text: &'h str) -> Result<Self, LoadError> {
        let mut scanner = Scanner(text);
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        scanner.expect('{')?;
        while !scanner.accept('}') {
            let key = scanner.string()?;
            scanner.expect(':')?;
            let known = match key {
                "descr" => descr.replace(scanner.descr()?).is_some(),
                "fortran_order" => fortran.replace(scanner.boolean()?).is_some(),
                "shape" => shape.replace(scanner.tuple()?).is_some(),
                _ => true,
            };
            if known {
                return Err(LoadError::Malformed);
            }
            if !scanner.accept(',') {
                scanner.expect('}')?;
                break;
            }
        }
        let (Some(descr), Some(fortran), Some(shape), "") = (descr, fortran, shape, scanner.0.trim()) else {
            return Err(LoadError::Malformed);
        };
        Ok(Self { descr, fortran, shape })
    }
}

/// What is left of a header.
struct Scanner<'h>(&'h str);

impl<'h> Scanner<'h> {
    fn accept(&mut self, wanted: char) -> bool {
        let rest = self.0.trim_start().strip_prefix(wanted);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), LoadError> {
        if self.accept(wanted) { Ok(()) } else { Err(LoadError::Malformed) }
    }

    /// A string without escapes.
    fn string(&mut self) -> Result<&'h str, LoadError> {
        let quote = if self.accept('\'') {
            '\''
        } else {
            self.expect('"')?;
            '"'
        };
        let (string, rest) = self.0.split_once(quote).ok_or(LoadError::Malformed)?;
        if string.contains('\\') {
            return Err(LoadError::Malformed);
        }
        self.0 = rest;
        Ok(string)
    }

    /// A type as a string; structured types are lists.
    fn descr(&mut self) -> Result<&'h str, LoadError> {
        if self.0.trim_start().starts_with('[') {
            return Err(LoadError::UnsupportedType { name: "structured".to_owned() });
        }
        self.string()
    }

    fn word(&mut self) -> &'h str {
        let text = self.0.trim_start();
        let end = text.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.0 = rest;
        word
    }

    fn boolean(&mut self) -> Result<bool, LoadError> {
        match self.word() {
            "True" => Ok(true),
            "False" => Ok(false),
            _ => Err(LoadError::Malformed),
        }
    }

    fn tuple(&mut self) -> Result<Vec<usize>, LoadError> {
        self.expect('(')?;
        let mut items = Vec::new();
        while !self.accept(')') {
            if items.len() == MAX_AXES {
                return Err(LoadError::TooManyAxes);
            }
            let word = self.word();
            // NumPy under Python 2 wrote long integers as `3L`.
            let word = word.strip_suffix('L').unwrap_or(word);
            if !word.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(LoadError::Malformed);
            }
            items.push(word.parse().map_err(|_| LoadError::Malformed)?);
            if !self.accept(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(items)
    }
}
/// A file that holds an array, each entry the float64 nearest to it.
pub(super) fn write(array: &Loaded) -> Vec<u8> {
    let dims: Vec<String> = array.dims.iter().map(ToString::to_string).collect();
    let comma = if dims.len() == 1 { "," } else { "" };
    let shape = dims.join(", ");
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}{comma}), }}");
    // The values begin at a multiple of 64 bytes, after a line break.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(padded).expect("a short header").to_le_bytes());
    file.extend(format!("{header:<width$}\n", width = padded - 1).bytes());
    file.extend(array.values.iter().flat_map(|cell| cell.to_f64().to_le_bytes()));
    file
}
