//! Small pieces of text that several verdicts share.

use crate::{Block, Matrix};
use convproof_engine::evaluate::Image;
use convproof_exact::{Grid, Rational};

/// Largest matrix that is shown, per side.
const MAX_SIDE: usize = 64;

/// `h×w`.
pub fn size(size: [i64; 2]) -> String {
    format!("{}×{}", size[0], size[1])
}

/// `h×w`, with channels where there is more than one.
pub fn image_size([channels, height, width]: [usize; 3]) -> String {
    if channels == 1 { format!("{height}×{width}") } else { format!("{channels}×{height}×{width}") }
}

/// `row i, column j`, with the channel where there is more than one.
pub fn position([channel, row, column]: [usize; 3], channels: usize) -> String {
    let channel = if channels > 1 { format!("channel {channel}, ") } else { String::new() };
    format!("{channel}row {row}, column {column}")
}

/// A number with a comma before each three digits.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut out = digits[..first].to_owned();
    for at in (first..digits.len()).step_by(3) {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&digits[at..at + 3]);
    }
    out
}

/// `count of all`, in percent, to a tenth.
pub fn percent(count: usize, all: usize) -> String {
    let tenths = (2000 * count as u128 + all as u128) / (2 * all.max(1) as u128);
    match tenths {
        0 if count > 0 => "less than 0.1 %".to_owned(),
        1000 if count < all => "more than 99.9 %".to_owned(),
        tenths if tenths % 10 == 0 => format!("{} %", tenths / 10),
        tenths => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

/// A matrix of numbers, if it is small enough to look at.
pub fn matrix(
    title: impl Into<String>,
    grid: &Grid<Rational>,
    mark: Option<(usize, usize)>,
) -> Option<Matrix> {
    if grid.height() > MAX_SIDE || grid.width() > MAX_SIDE {
        return None;
    }
    Some(Matrix { mark, ..Matrix::of_numbers(title, grid, entry) })
}

/// A number, as a decimal where it would be far too long for a table.
fn entry(value: &Rational) -> String {
    let text = value.to_string();
    if text.len() <= 40 { text } else { format!("≈{}", value.to_decimal(10)) }
}

/// Two values that differ; decimals that tell them apart where square roots were cut off.
pub fn both_values(values: [&Rational; 2], approximate: bool) -> [String; 2] {
    if !approximate {
        return values.map(ToString::to_string);
    }
    let at = |digits: usize| {
        values.map(|value| {
            let text = value.to_string();
            if text.len() <= 20 { text } else { format!("about {}", value.to_decimal(digits)) }
        })
    };
    [10, 20, 40].map(at).into_iter().find(|[left, right]| left != right).unwrap_or_else(|| at(80))
}

/// One matrix for each channel, side by side, if they are few and small.
pub fn image_matrices(title: &str, image: &Image, mark: Option<[usize; 3]>) -> Vec<Matrix> {
    let channels = image.channels();
    if channels > 4 || image.height().max(image.width()) > MAX_SIDE {
        return Vec::new();
    }
    let named = |c: usize| if channels == 1 { title.to_owned() } else { format!("{title}, channel {c}") };
    let of = |c: usize| {
        let mark = mark.filter(|at| at[0] == c).map(|[_, i, j]| (i, j));
        matrix(named(c), &image.channel(c)?, mark)
    };
    (0..channels).filter_map(of).collect()
}

/// Matrices as a block, or nothing.
pub fn side_by_side(matrices: Vec<Matrix>) -> Option<Block> {
    (!matrices.is_empty()).then_some(Block::Matrices(matrices))
}

/// Weights by name: those that are not 0, and whether there are others.
pub fn weights(all: &[(String, Rational)], zeros: bool) -> String {
    const MOST: usize = 40;
    if all.is_empty() {
        return "all weights 0".to_owned();
    }
    let listed: Vec<String> =
        all.iter().take(MOST).map(|(name, value)| format!("`{name}` = {value}")).collect();
    let more = if all.len() > MOST { format!(" and {} more", all.len() - MOST) } else { String::new() };
    let others = if zeros { ", all other weights 0" } else { "" };
    format!("{}{more}{others}", listed.join(", "))
}

/// An image in words; its entries where they are few, and whether it is `shown` elsewhere where they are not.
pub fn image_words(image: &Image, shown: bool) -> String {
    const FEW: usize = 4;
    let [channels, height, width] = image.size();
    let size = image_size(image.size());
    let cells = (0..channels).flat_map(|c| (0..height).flat_map(move |i| (0..width).map(move |j| [c, i, j])));
    let nonzero: Vec<[usize; 3]> = cells.filter(|&[c, i, j]| !image.at(c, i, j).is_zero()).collect();
    match nonzero.as_slice() {
        [] => format!("a zero image of {size}"),
        few if few.len() <= FEW => {
            let entry = |&at: &[usize; 3]| {
                let [c, i, j] = at;
                format!("{} at {}", short(image.at(c, i, j)), position(at, channels))
            };
            let (last, before) =
                few.split_last().map_or(("".to_owned(), few), |(last, all)| (entry(last), all));
            let before: Vec<String> = before.iter().map(entry).collect();
            let and = if before.is_empty() { "" } else { " and " };
            let rest = if few.len() < image.values().len() { " and 0 elsewhere" } else { "" };
            format!("an image of {size} that is {}{and}{last}{rest}", before.join(", "))
        }
        _ if shown => format!("the image of {size} below"),
        many => format!("an image of {size} of which {} entries are not 0", many.len()),
    }
}

/// `singular` or `plural`, after a number.
pub fn count(number: usize, singular: &str, plural: &str) -> String {
    format!("{number} {}", if number == 1 { singular } else { plural })
}

/// A number as it is if that is short, else as a decimal.
pub fn short(value: &Rational) -> String {
    let text = value.to_string();
    if text.len() <= 10 { text } else { value.to_decimal(7) }
}

/// A decimal of the square root of a rational.
pub fn root_decimal(square: &Rational, digits: usize) -> String {
    if let Some(exact) = square.exact_sqrt() {
        return short(&exact);
    }
    let (n, d) = (square.numerator(), square.denominator());
    let scaled = ((n * &d) << 512_u32).sqrt();
    Rational::new(scaled, d << 256_u32).map_or_else(String::new, |root| root.to_decimal(digits))
}
