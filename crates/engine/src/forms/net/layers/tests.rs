//! What is read as blocks is what the blocks are.

use super::*;
use crate::forms::blocks::{Division, division};
use crate::forms::net::ChannelBlocks;
use crate::ir::{Origin, Roots, Sizes, Stack, StackClaim};
use crate::kernel::{ConcreteKernel, Shape};

fn divided_for(layer: Layer, channels: usize) -> Division {
    let left = Arc::new(Stack::layer(layer, Origin::NOWHERE));
    let right = left.clone();
    division(&StackClaim { left, right, channels, tolerance: None, sizes: Sizes::All }).unwrap()
}

#[test]
fn tiles_become_channels_of_blocks_that_take_turns_and_of_no_others() {
    let blocks_of = |division: Division, channels: [usize; 2]| {
        let net = Net::new(ChannelBlocks::Together(division), None, Roots::default());
        let taps = net.tiles(true, 2, channels)?;
        Ok(taps.iter().map(|tap| [tap.output, tap.at[0], tap.at[1], tap.input]).collect::<Vec<_>>())
    };
    let turns = divided_for(Layer::SpaceToDepth(2), 2);
    let of_one = [[0, 0, 0, 0], [1, 0, 1, 0], [2, 1, 0, 0], [3, 1, 1, 0]];
    assert_eq!(blocks_of(turns, [2, 8]), Ok(of_one.to_vec()));
    // Channels 2b and 2b + 1 of the tiles are not those that the tiles of a run of two channels become.
    let kernel = KernelTerm::constant(ConcreteKernel::ones(Shape::new(4, 2, 1, 1)).unwrap());
    let runs = divided_for(Layer::Conv(Conv::plain(kernel, 2)), 4);
    assert_eq!(runs.width(4), turns.width(4));
    assert_eq!(blocks_of(runs, [4, 16]), Err(Unsupported::Layer));
    // A block of three channels, and four of two.
    assert_eq!(blocks_of(turns, [3, 8]), Err(Unsupported::Layer));
    // Too few tiles.
    assert_eq!(blocks_of(turns, [2, 4]), Err(Unsupported::Layer));
}
