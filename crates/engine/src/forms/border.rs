//! What stands beyond the ends of a signal where it is not 0: its own entries, mirrored or repeated.

use crate::ir::{Ends, PadMode};

/// Entries beyond the ends of a signal, so many before the start and after the end at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Border {
    rule: Rule,
    ends: Ends,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rule {
    Reflect,
    Symmetric,
    Replicate,
}

impl Border {
    /// That of a way of padding; `None` where it is numbers, or depends on the length as a whole.
    pub fn of(mode: &PadMode, ends: Ends) -> Option<Self> {
        let rule = match mode {
            PadMode::Reflect => Rule::Reflect,
            PadMode::Symmetric => Rule::Symmetric,
            PadMode::Replicate => Rule::Replicate,
            PadMode::Constant(_) | PadMode::Circular => return None,
        };
        Some(Self { rule, ends })
    }

    /// The position in a signal of some length that stands for one beyond its ends, or for itself.
    pub fn inside(self, position: i64, length: i64) -> i64 {
        if (0..length).contains(&position) {
            return position;
        }
        let last = length - 1;
        match self.rule {
            Rule::Reflect => {
                if position < 0 {
                    -position
                } else {
                    2 * last - position
                }
            }
            Rule::Symmetric => {
                if position < 0 {
                    -1 - position
                } else {
                    2 * last + 1 - position
                }
            }
            Rule::Replicate => position.clamp(0, last),
        }
    }

    /// How much further towards the start, and towards the end, an entry stands than the position that it stands for.
    pub fn reach(self) -> Ends {
        let Ends { before, after } = self.ends;
        Ends { before: 2 * after, after: 2 * before }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_mirrored_and_repeated() {
        let row = |mode: &PadMode, length: i64| {
            let border = Border::of(mode, Ends { before: 3, after: 2 }).unwrap();
            (-3..length + 2).map(|at| border.inside(at, length)).collect::<Vec<_>>()
        };
        assert_eq!(row(&PadMode::Reflect, 4), [3, 2, 1, 0, 1, 2, 3, 2, 1]);
        assert_eq!(row(&PadMode::Symmetric, 4), [2, 1, 0, 0, 1, 2, 3, 3, 2]);
        assert_eq!(row(&PadMode::Replicate, 2), [0, 0, 0, 0, 1, 1, 1]);
        for mode in [PadMode::Reflect, PadMode::Symmetric, PadMode::Replicate] {
            let border = Border::of(&mode, Ends { before: 4, after: 3 }).unwrap();
            let Ends { before: back, after: on } = border.reach();
            for at in -4..10 {
                let moved = border.inside(at, 7) - at;
                assert!((-back..=on).contains(&moved), "{mode:?} {at}");
            }
        }
    }
}
