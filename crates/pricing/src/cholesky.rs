//! Linear equations with a symmetric positive definite matrix, the lower half of which is given.

/// A square matrix, row by row. Only what is on and below the diagonal counts.
#[derive(Debug, Default)]
pub(crate) struct Lower {
    size: usize,
    cells: Vec<f64>,
}

impl Clone for Lower {
    fn clone(&self) -> Self {
        Lower { size: self.size, cells: self.cells.clone() }
    }

    fn clone_from(&mut self, other: &Self) {
        self.size = other.size;
        self.cells.clone_from(&other.cells);
    }
}

/// Least pivot: a smaller one is rounding error, in a direction that nothing depends on.
const LEAST_PIVOT: f64 = 1e-12;

impl Lower {
    pub(crate) fn clear(&mut self, size: usize) {
        self.size = size;
        self.cells.clear();
        self.cells.resize(size * size, 0.0);
    }

    /// Adds to a cell and, in thought, to its mirror image.
    pub(crate) fn add(&mut self, row: usize, column: usize, value: f64) {
        let (row, column) = (row.max(column), row.min(column));
        self.cells[row * self.size + column] += value;
    }

    /// Replaces the matrix by its factor L, with L L' the matrix.
    pub(crate) fn factorise(&mut self) {
        let size = self.size;
        for row in 0..size {
            let (above, at) = self.cells.split_at_mut(row * size);
            for column in 0..row {
                let other = &above[column * size..=column * size + column];
                let (known, cell) = at.split_at_mut(column);
                cell[0] = (cell[0] - dot(known, &other[..column])) / other[column];
            }
            let (known, cell) = at.split_at_mut(row);
            cell[0] = (cell[0] - dot(known, known)).max(LEAST_PIVOT).sqrt();
        }
    }

    /// Solves for the right-hand side, in place. Returns the square of the half-way solution: the
    /// length of the right-hand side as the matrix measures it.
    pub(crate) fn solve(&self, side: &mut [f64]) -> f64 {
        let size = self.size;
        for row in 0..size {
            let line = &self.cells[row * size..=row * size + row];
            side[row] = (side[row] - dot(&line[..row], &side[..row])) / line[row];
        }
        let length = dot(side, side);
        for row in (0..size).rev() {
            side[row] /= self.cells[row * size + row];
            let value = side[row];
            let line = &self.cells[row * size..row * size + row];
            side[..row].iter_mut().zip(line).for_each(|(cell, factor)| *cell -= factor * value);
        }
        length
    }
}

/// Four sums side by side, which the processor adds at once.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    let length = left.len().min(right.len());
    let (left, right) = (&left[..length], &right[..length]);
    let mut sums = [0.0; 4];
    let (fours, rest) = (left.chunks_exact(4), left.chunks_exact(4).remainder());
    for (a, b) in fours.zip(right.chunks_exact(4)) {
        for place in 0..4 {
            sums[place] += a[place] * b[place];
        }
    }
    let tail = &right[length - rest.len()..];
    sums.iter().sum::<f64>() + rest.iter().zip(tail).map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let mut matrix = Lower::default();
        matrix.clear(3);
        for (row, column, value) in
            [(0, 0, 4.0), (1, 0, 2.0), (1, 1, 5.0), (0, 2, 1.0), (1, 2, 3.0), (2, 2, 6.0)]
        {
            matrix.add(row, column, value);
        }
        matrix.factorise();
        // 4 2 1; 2 5 3; 1 3 6 times (1, -2, 3) is (3, 1, 13).
        let mut side = [3.0, 1.0, 13.0];
        let length = matrix.solve(&mut side);
        for (found, wanted) in side.iter().zip([1.0, -2.0, 3.0]) {
            assert!((found - wanted).abs() < 1e-12, "{side:?}");
        }
        // The side times the solution: 3 - 2 + 39.
        assert!((length - 40.0).abs() < 1e-9, "{length}");
    }

    #[test]
    fn a_direction_that_nothing_depends_on_does_no_harm() {
        let mut matrix = Lower::default();
        matrix.clear(2);
        matrix.add(0, 0, 1.0);
        matrix.factorise();
        let mut side = [2.0, 0.0];
        matrix.solve(&mut side);
        assert_eq!(side, [2.0, 0.0]);
    }
}
