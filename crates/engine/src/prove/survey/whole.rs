//! Maps that are one kernel each, moved alike over the input. Where nothing is cut off they differ at every output
//! position of every size, or at none, and one value of the kernels as polynomials in the position tells.

use std::sync::Arc;

use crate::kernel::atoms::AtomKernel;
use crate::operator::Affine;
use crate::prove::values::point::{Dependence, Point};
use convproof_exact::Fp;

/// The kernels of two such maps.
#[derive(Clone, Debug)]
pub struct WholeKernels([Arc<AtomKernel>; 2]);

impl WholeKernels {
    /// The kernels of two maps, if each map is one kernel and both read the same places of the input, with all taps
    /// (an upsampling factor makes outputs read every other tap). Only where all of these places lie in the input do
    /// the maps differ wherever the kernels do.
    pub fn of(maps: [&Affine; 2]) -> Option<Self> {
        let [[left], [right]] = maps.map(|map| map.parts.as_slice()) else { return None };
        let alike = left.source == 0 && right.source == 0 && left.gather.axes == right.gather.axes;
        let all_taps = left.gather.axes.iter().all(|axis| axis.up == 1);
        if !(alike && all_taps && maps.iter().all(|map| map.bias.is_empty())) {
            return None;
        }
        Some(Self([left.gather.kernel.as_atoms()?, right.gather.kernel.as_atoms()?]))
    }

    /// Whether the kernels differ for some weights: as polynomials, at a point of large residues. `true` is
    /// certain, `false` is not.
    pub fn differ(&self, dependence: &Dependence, point: &Point) -> bool {
        let value = |symbol| dependence.residue(symbol, &|chosen| point.residue(chosen));
        let at = [Fp::new(0x1234_5678_9ABC_DEF1), Fp::new(0x0FED_CBA9_8765_4321)];
        let [left, right] = &self.0;
        match (left.evaluate_at(&value, at), right.evaluate_at(&value, at)) {
            (Some(a), Some(b)) => a != b,
            _ => false,
        }
    }
}
