//! The spatial axes of images as a list: what is said of them is said once for each, rows first.
//!
//! How many there are stands here and nowhere else in `ir`, `operator` and `forms`; a test holds them to it. Exact arrays
//! `[out,in,h,w]` are in `kernel`, and those who read or print sizes know rows and columns by name.

/// How many spatial axes images have.
pub const AXES: usize = 2;

/// A thing for each spatial axis.
pub type Axes<T> = [T; AXES];

/// What a function makes of the number of each axis.
pub fn each<T>(of: impl FnMut(usize) -> T) -> Axes<T> {
    std::array::from_fn(of)
}

/// What a function makes of the number of each axis, or its first error.
///
/// # Errors
/// What the function says.
pub fn try_each<T, E>(mut of: impl FnMut(usize) -> Result<T, E>) -> Result<Axes<T>, E> {
    let mut failed = None;
    let mut made = each(|axis| match &failed {
        Some(_) => None,
        None => of(axis).map_err(|error| failed = Some(error)).ok(),
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(each(|axis| made[axis].take().expect("made of each axis"))),
    }
}

/// What a function makes of the number of each axis, if it makes something of all.
pub fn all<T>(mut of: impl FnMut(usize) -> Option<T>) -> Option<Axes<T>> {
    try_each(|axis| of(axis).ok_or(())).ok()
}

/// One value for an axis, another one for all others.
pub fn along<T: Clone>(axis: usize, value: &T, others: &T) -> Axes<T> {
    each(|at| if at == axis { value.clone() } else { others.clone() })
}

/// All positions within some extents, the last axis running fastest.
pub fn positions(extents: Axes<usize>) -> impl Iterator<Item = Axes<usize>> {
    let mut next = [0; AXES];
    (0..extents.iter().product()).map(move |_| {
        let at = next;
        for axis in (0..AXES).rev() {
            next[axis] += 1;
            if next[axis] < extents[axis] {
                break;
            }
            next[axis] = 0;
        }
        at
    })
}

/// Where a position stands in that order.
pub fn place(at: Axes<usize>, extents: Axes<usize>) -> usize {
    (0..AXES).fold(0, |place, axis| place * extents[axis] + at[axis])
}

/// What stands before the start and after the end of an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ends<T = i64> {
    /// Before the start.
    pub before: T,
    /// After the end.
    pub after: T,
}

impl Ends {
    /// Nothing on any side.
    pub const NONE: Axes<Self> = [Self { before: 0, after: 0 }; AXES];

    /// Both together.
    pub fn sum(self) -> i64 {
        self.before + self.after
    }
}

impl<T> Ends<T> {
    /// What a function makes of both.
    pub fn map<U>(self, mut of: impl FnMut(T) -> U) -> Ends<U> {
        Ends { before: of(self.before), after: of(self.after) }
    }
}

/// The ends of all axes from a list of all starts, then all ends, as texts and model files have it: top, left, bottom, right.
pub fn ends<T: Copy>(sides: [T; 2 * AXES]) -> Axes<Ends<T>> {
    each(|axis| Ends { before: sides[axis], after: sides[AXES + axis] })
}

/// The reverse of [`ends`].
pub fn sides<T: Copy>(ends: Axes<Ends<T>>) -> [T; 2 * AXES] {
    std::array::from_fn(|side| if side < AXES { ends[side].before } else { ends[side - AXES].after })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_in_the_order_of_their_places() {
        let extents = each(|axis| 2 + axis);
        let all: Vec<_> = positions(extents).collect();
        assert_eq!(all.len(), extents.iter().product::<usize>());
        for (n, at) in all.into_iter().enumerate() {
            assert!((0..AXES).all(|axis| at[axis] < extents[axis]));
            assert_eq!(place(at, extents), n);
        }
        assert_eq!(positions(each(|axis| axis)).count(), 0);
    }

    #[test]
    fn the_first_error_is_told_and_nothing_is_made_after_it() {
        let mut asked = Vec::new();
        let made = try_each(|axis| {
            asked.push(axis);
            if axis == 0 { Err(axis) } else { Ok(()) }
        });
        assert_eq!((made, asked), (Err(0), vec![0]));
        assert_eq!(all(Some), Some(each(|axis| axis)));
    }

    #[test]
    fn sides_and_ends_are_the_same_in_another_order() {
        let flat = std::array::from_fn(|side| side);
        let pairs = ends(flat);
        assert_eq!(sides(pairs), flat);
        assert!((0..AXES).all(|axis| (pairs[axis].before, pairs[axis].after) == (axis, AXES + axis)));
        assert_eq!(sides(Ends::NONE), [0; 2 * AXES]);
    }

    /// What two axes of an image are called.
    const BY_NAME: [&str; 9] =
        ["height", "top", "bottom", "vertical", "horizontal", "rows", "columns", "row", "column"];
    /// Two axes, or one of them, by number.
    const BY_NUMBER: [&str; 10] = [
        "0..2",
        "[0, 1].map",
        "axis == 0",
        "axis == 1",
        "axes[0]",
        "axes[1]",
        "size[0]",
        "size[1]",
        "extents[0]",
        "length[0]",
    ];
    /// Where these words are about something else: the height of trees, rows and columns of matrices of weights, names of entries.
    const OTHERS: [&str; 5] =
        ["ir/nesting.rs", "ir/symbols.rs", "ir/term.rs", "forms/net/kernels.rs", "forms/weights.rs"];

    fn sources(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if !path.ends_with("tests.rs") {
                found.push(path);
            }
        }
    }

    #[test]
    fn no_axis_is_named_where_a_list_is_as_simple() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        ["ir", "operator", "forms"].iter().for_each(|folder| sources(&root.join(folder), &mut files));
        assert!(files.len() > 40, "the folders are elsewhere");
        for path in files {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let other = OTHERS.iter().any(|file| path.ends_with(file));
            for line in code.lines().map(|line| line.split("//").next().unwrap()) {
                let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
                let named = words.find(|word| BY_NAME.contains(word) && !other);
                assert_eq!(named, None, "{}: {line}", path.display());
                let numbered = BY_NUMBER.iter().find(|sign| line.contains(**sign));
                assert_eq!(numbered, None, "{}: {line}", path.display());
            }
        }
    }
}
