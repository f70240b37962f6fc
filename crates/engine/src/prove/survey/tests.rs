use super::whole::WholeKernels;
use super::{Compared, Extent, Sights, Surveyed};
use crate::axes::AXES;
use crate::ir::{AveragePool, Conv, Ends, KernelTerm, Layer, Origin, Padding, Sizes, Stack, Symbols};
use crate::kernel::{ConcreteKernel, Shape};
use crate::operator::pattern::Viewer;
use crate::operator::{Affine, Operators};
use crate::prove::values::point::Dependence;
use crate::prove::verdict::region::Status;

/// A convolution with zeros around the image.
fn conv(operators: &mut Operators, values: [i64; 3]) -> Affine {
    let input = operators.input().unwrap();
    conv_of(operators, input, values, 1)
}

/// A convolution along rows, with a stride.
fn conv_of(operators: &mut Operators, of: Affine, values: [i64; 3], stride: usize) -> Affine {
    let kernel = ConcreteKernel::from_integers(Shape::plane(1, 3), values.to_vec()).unwrap();
    let conv = Conv {
        kernel: KernelTerm::constant(kernel),
        stride: [stride; AXES],
        dilation: [1; AXES],
        padding: Padding::SameUpper,
        groups: 1,
        bias: None,
    };
    operators.apply(&Stack::layer(Layer::Conv(conv), Origin::NOWHERE), of).unwrap()
}

fn look<'a>(operators: &'a Operators, maps: [&'a Affine; 2], symbols: &'a Symbols) -> Sights<'a> {
    Sights::look(operators, maps, symbols, Extent::of(&Sizes::All), Dependence::default()).unwrap()
}

fn survey(sights: Sights<'_>) -> Surveyed<'_> {
    Compared::of(sights, false).unwrap().surveyed(&Sizes::All).unwrap()
}

#[test]
fn nothing_is_equal_before_it_was_compared() {
    let (mut operators, symbols) = (Operators::new(1, None), Symbols::default());
    let same = conv(&mut operators, [1, 2, 3]);
    let sights = look(&operators, [&same, &same], &symbols);
    let table = sights.spoken_of(&Sizes::All);
    assert!(table.statuses.any(|status| status == Status::Values));
    assert!(!table.statuses.any(|status| status == Status::Equal));
    let pairs = table.sight_pairs();
    let survey = survey(sights);
    assert!(survey.is_equal());
    assert_eq!(survey.table().sight_pairs(), pairs);
}

#[test]
fn a_difference_at_the_border_alone_is_one() {
    // Of an image of one column only the middle tap reads anything.
    let (mut operators, symbols) = (Operators::new(1, None), Symbols::default());
    let [left, right] = [[1, 2, 3], [1, 2, 4]].map(|values| conv(&mut operators, values));
    let survey = survey(look(&operators, [&left, &right], &symbols));
    assert!(!survey.is_equal());
    let statuses = &survey.table().statuses;
    assert_eq!(statuses.smallest(|status| status == Status::Equal), Some(([1, 1], Status::Equal)));
    assert_eq!(statuses.smallest(|status| status == Status::Values), Some(([1, 2], Status::Values)));
}

#[test]
fn axes_are_alike_where_all_that_moves_along_them_is() {
    let mut operators = Operators::new(1, None);
    let mut pool = |size: [usize; 2], count_include_pad: bool| {
        let pool = AveragePool {
            average: true,
            size,
            stride: [2; AXES],
            padding: Padding::Sides([Ends { before: 1, after: 1 }; AXES]),
            count_include_pad,
            ceil_mode: true,
        };
        let input = operators.input().unwrap();
        operators.apply(&Stack::layer(Layer::Pool(pool), Origin::NOWHERE), input).unwrap()
    };
    let maps =
        [([3, 3], true), ([3, 3], false), ([3, 4], true), ([2, 3], false)].map(|(size, all)| pool(size, all));
    let alike = maps.map(|map| {
        let [rows, columns] = [0, 1].map(|axis| Viewer::new(&operators, vec![&map], axis));
        rows.is_like(&columns)
    });
    assert_eq!(alike, [true, true, false, false]);
}

#[test]
fn whole_kernels_are_those_of_maps_that_read_the_same_places_of_the_input() {
    let mut operators = Operators::new(1, None);
    let input = operators.input().unwrap();
    let relu = operators.apply(&Stack::layer(Layer::Relu, Origin::NOWHERE), input.clone()).unwrap();
    let mut of = |source: &Affine, stride| conv_of(&mut operators, source.clone(), [1, 2, 3], stride);
    let [plain, strided, after] = [of(&input, 1), of(&input, 2), of(&relu, 1)];
    let known = |maps: [&Affine; 2]| WholeKernels::of(maps).is_some();
    assert!(known([&plain, &plain]) && known([&strided, &strided]));
    assert!(!known([&plain, &after]) && !known([&after, &plain]) && !known([&after, &after]));
    assert!(!known([&plain, &strided]) && !known([&strided, &plain]));
}
