//! A rectangular array of values, row by row. Knows nothing of what the values mean.

/// A `height × width` array stored row by row; never ragged.
///
/// ```
/// use convproof_exact::Grid;
/// let grid = Grid::from_rows(vec![vec![1, 2], vec![3, 4]]).unwrap();
/// assert_eq!(*grid.at(1, 0), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grid<T> {
    height: usize,
    width: usize,
    cells: Vec<T>,
}

impl<T> Grid<T> {
    /// Builds a grid from its cells in row-major order; `None` if their number is not `height · width`.
    pub fn new(height: usize, width: usize, cells: Vec<T>) -> Option<Self> {
        (height.checked_mul(width) == Some(cells.len())).then_some(Self { height, width, cells })
    }

    /// Builds a grid from rows; `None` if they differ in length or there are none.
    pub fn from_rows(rows: Vec<Vec<T>>) -> Option<Self> {
        let (height, width) = (rows.len(), rows.first()?.len());
        if rows.iter().any(|row| row.len() != width) {
            return None;
        }
        Some(Self { height, width, cells: rows.into_iter().flatten().collect() })
    }

    /// A grid whose cell at `(row, column)` is `cell(row, column)`.
    pub fn from_fn(height: usize, width: usize, mut cell: impl FnMut(usize, usize) -> T) -> Self {
        let mut cells = Vec::with_capacity(height * width);
        for row in 0..height {
            for column in 0..width {
                cells.push(cell(row, column));
            }
        }
        Self { height, width, cells }
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All cells, row by row.
    pub fn cells(&self) -> &[T] {
        &self.cells
    }

    /// All cells, row by row, mutable.
    pub fn cells_mut(&mut self) -> &mut [T] {
        &mut self.cells
    }

    /// The cell at `(row, column)`.
    ///
    /// # Panics
    /// If the position lies outside the grid.
    pub fn at(&self, row: usize, column: usize) -> &T {
        assert!(column < self.width, "column {column} of a grid {} wide", self.width);
        &self.cells[row * self.width + column]
    }

    /// The cell at `(row, column)`, mutable.
    ///
    /// # Panics
    /// If the position lies outside the grid.
    pub fn at_mut(&mut self, row: usize, column: usize) -> &mut T {
        assert!(column < self.width, "column {column} of a grid {} wide", self.width);
        &mut self.cells[row * self.width + column]
    }

    /// The rows, top to bottom.
    pub fn rows(&self) -> impl Iterator<Item = &[T]> {
        self.cells.chunks(self.width.max(1)).take(self.height)
    }

    /// The same shape with each cell replaced by `f(cell)`.
    pub fn map<U>(&self, f: impl FnMut(&T) -> U) -> Grid<U> {
        Grid { height: self.height, width: self.width, cells: self.cells.iter().map(f).collect() }
    }
}
