//! Reads what a report says of where two sides agree. Words that it does not know are an error, so that no
//! sentence of a report goes unchecked.

/// A condition on one size.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Always,
    Never,
    /// Of the height (0) or width (1): its remainder by the second is one of these.
    Remainder(usize, i64, Vec<i64>),
    AtLeast(usize, i64),
    OneOf(usize, Vec<i64>),
    All(Vec<Said>),
    Any(Vec<Said>),
}

impl Said {
    pub(crate) fn at(&self, size: [i64; 2]) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Remainder(axis, modulus, residues) => residues.contains(&(size[*axis] % modulus)),
            Self::AtLeast(axis, least) => size[*axis] >= *least,
            Self::OneOf(axis, lengths) => lengths.contains(&size[*axis]),
            Self::All(parts) => parts.iter().all(|part| part.at(size)),
            Self::Any(parts) => parts.iter().any(|part| part.at(size)),
        }
    }
}

/// A sentence about where the sides agree.
#[derive(Clone, Debug)]
pub(crate) enum Agreement {
    Nowhere,
    Exactly(Said),
    /// And at no other size with both lengths below a bound.
    Below(Said, i64),
    /// All but these many rows and columns of the border: top, left, bottom, right; and whether all of them are wrong.
    Interior([i64; 4], bool),
    Some(Vec<[i64; 2]>),
    /// Weights that must be 0.
    IfZero,
}

/// The rest of a sentence that is being read.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn skip(&mut self, word: &str) -> bool {
        match self.0.strip_prefix(word) {
            Some(rest) => self.0 = rest,
            None => return false,
        }
        true
    }

    fn number(&mut self) -> Option<i64> {
        let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let number = self.0[..end].parse().ok()?;
        self.0 = &self.0[end..];
        Some(number)
    }

    /// Numbers with some word between them.
    fn numbers(&mut self, between: &str) -> Option<Vec<i64>> {
        let mut all = vec![self.number()?];
        while self.0.strip_prefix(between).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            self.skip(between);
            all.push(self.number()?);
        }
        Some(all)
    }

    fn any(&mut self) -> Option<Said> {
        let mut parts = vec![self.all()?];
        while self.skip(" or ") {
            parts.push(self.all()?);
        }
        Some(Said::Any(parts))
    }

    fn all(&mut self) -> Option<Said> {
        let mut parts = vec![self.part()?];
        while self.skip(" and ") {
            parts.push(self.part()?);
        }
        Some(Said::All(parts))
    }

    fn part(&mut self) -> Option<Said> {
        if self.skip("(") {
            let inner = self.any()?;
            return self.skip(")").then_some(inner);
        }
        if self.skip("there is an output") {
            return Some(Said::Always);
        }
        let axis = usize::from(!self.skip("`h"));
        if axis == 1 && !self.skip("`w") {
            return None;
        }
        if self.skip("` takes no value") {
            return Some(Said::Never);
        }
        if self.skip("` is ") {
            return Some(Said::OneOf(axis, self.numbers(" or ")?));
        }
        if self.skip(" >= ") {
            let least = self.number()?;
            return self.skip("`").then_some(Said::AtLeast(axis, least));
        }
        self.skip(" % ").then_some(())?;
        let modulus = self.number()?;
        let residues = if self.skip("` is one of ") {
            self.numbers(", ")?
        } else {
            let residue = self.skip(" == ").then(|| self.number())??;
            self.skip("`").then_some(vec![residue])?
        };
        Some(Said::Remainder(axis, modulus, residues))
    }

    /// `the first 2 rows`, `the last column`, joined by `and`.
    fn ring(&mut self) -> Option<[i64; 4]> {
        if self.skip("the outermost row and column on each side") {
            return Some([1; 4]);
        }
        if self.skip("the outermost ") {
            let width = self.number()?;
            return self.skip(" rows and columns on each side").then_some([width; 4]);
        }
        let mut ring = [0; 4];
        loop {
            let last = usize::from(!self.skip("the first "));
            if last == 1 && !self.skip("the last ") {
                return None;
            }
            let width = self.number();
            if width.is_some() {
                self.skip(" ");
            }
            let column = usize::from(!self.skip("row"));
            if column == 1 && !self.skip("column") {
                return None;
            }
            self.skip("s");
            ring[2 * last + column] = width.unwrap_or(1);
            if !self.skip(" and ") {
                return Some(ring);
            }
        }
    }
}

pub(crate) fn agreement(text: &str) -> Option<Agreement> {
    let mut reader = Reader(text);
    if reader.skip("for general weights the sides agree at no input size") {
        return Some(Agreement::Nowhere);
    }
    if reader.skip("equal if and only if ") {
        return Some(Agreement::IfZero);
    }
    if reader.skip("equal exactly where ") {
        let said = reader.any()?;
        reader.skip(" (among the sizes of the claim)");
        return reader.0.is_empty().then_some(Agreement::Exactly(said));
    }
    if reader.skip("equal wherever ") {
        let said = reader.any()?;
        reader.skip(" (among the sizes of the claim)");
        let bound = reader.skip(", and at no other size below ").then(|| reader.number())??;
        return Some(Agreement::Below(said, bound));
    }
    if reader.skip("equal in the interior at every large size") {
        let exactly = reader.skip(", wrong exactly on ");
        if !exactly && !reader.skip("; differences only on ") {
            return None;
        }
        let ring = reader.ring()?;
        return (reader.0 == " of the output").then_some(Agreement::Interior(ring, exactly));
    }
    reader.skip("equal at some sizes that no simple condition describes, among them ").then_some(())?;
    let mut sizes = Vec::new();
    loop {
        let height = reader.number()?;
        reader.skip("×").then_some(())?;
        sizes.push([height, reader.number()?]);
        if !reader.skip(", ") {
            return reader.0.is_empty().then_some(Agreement::Some(sizes));
        }
    }
}
