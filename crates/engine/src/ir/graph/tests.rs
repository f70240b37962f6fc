//! Graphs and stacks of layers that are told apart by numbers.

use super::*;
use crate::ir::Stack;

fn layer(n: usize) -> Stack {
    Stack::layer(Layer::Subsample([n, 1]), Origin::NOWHERE)
}

fn chain(links: &[Stack]) -> Stack {
    Stack::chain(links, Origin::NOWHERE)
}

fn sum(branches: &[Stack]) -> Stack {
    let terms = branches.iter().map(|branch| (KernelTerm::one(), branch)).collect();
    Stack::sum(NonEmpty::of(terms).unwrap(), Origin::NOWHERE)
}

/// What a stack is, layers as the numbers that they have.
fn written(stack: &Stack) -> String {
    let written = stack.fold("x".to_owned(), |op, _| {
        Ok::<_, ()>(match op {
            Op::Layer(Layer::Subsample([n, _]), of) => format!("{n}({of})"),
            op => format!("[{}]", op.reads().join("+")),
        })
    });
    written.unwrap()
}

#[test]
fn stacks_are_put_together() {
    let [a, b, c] = [1, 2, 3].map(layer);
    let id = Stack::identity(Origin::NOWHERE);
    assert!(id.is_identity() && chain(&[id.clone(), id.clone()]).is_identity() && !a.is_identity());
    assert_eq!(written(&chain(&[a.clone(), sum(&[b.clone(), id]), c.clone()])), "3([2(1(x))+1(x)])");
    // Sums are taken apart.
    assert_eq!(
        written(&sum(&[a.clone(), b.clone()]).plus(&c, [false; 2], Origin::NOWHERE)),
        "[1(x)+2(x)+3(x)]"
    );
    let product = Stack::product([&a, &chain(&[b, c])], [false; 2], Origin::NOWHERE);
    assert_eq!(written(&product), "[1(x)+3(2(x))]");
}

#[test]
fn nothing_reads_what_is_not_there() {
    let layer = |of| Op::Layer(Arc::new(Layer::Relu), of);
    let mut graph = Graph::new(2);
    let ids = [0, 1].map(|n| graph.input(n).unwrap());
    assert_eq!(graph.input(2), None);
    let first = graph.push(layer(ids[1]), Origin::NOWHERE).unwrap();
    let second = graph.push(layer(first), Origin::NOWHERE).unwrap();
    let mut other = Graph::new(2);
    assert_eq!(other.push(layer(first), Origin::NOWHERE), None);
    assert_eq!(other.output(Branch { of: first, origin: Origin::NOWHERE }), None);
    assert_eq!(other.append(&graph, vec![ids[0], first]), None);
    assert_eq!(other.append(&graph, vec![ids[0]]), None);
    for of in [second, ids[0]] {
        graph.output(Branch { of, origin: Origin::NOWHERE }).unwrap();
    }
    // The second input is read by the first layer only, the other one by an output.
    assert_eq!(graph.readers(), [1, 1, 1, 1]);
    let count = |op: Given<'_, usize>, _| Ok::<_, ()>(op.reads().into_iter().sum::<usize>() + 1);
    assert_eq!(graph.fold(vec![10, 20], count), Ok(vec![22, 10]));
    assert!(Stack::try_from(graph).is_err());
}

#[test]
fn values_that_more_than_one_reads_are_made_once() {
    let relu = |of| Op::Layer(Arc::new(Layer::Relu), of);
    let branch = |of| Branch { of, origin: Origin::NOWHERE };
    let mut graph = Graph::new(1);
    let first = graph.push(relu(ValueId(0)), Origin::NOWHERE).unwrap();
    let product = graph.push(Op::Product([branch(first), branch(first)]), Origin::NOWHERE).unwrap();
    graph.output(branch(product)).unwrap();
    let stack = Stack::try_from(graph).unwrap();
    let mut made = 0;
    let of = stack.fold(Arc::new(()), |op, _| {
        made += 1;
        // Whoever reads a value last holds it alone.
        let mut reads = op.reads();
        assert_eq!(reads.pop().map(|read| Arc::strong_count(&read)), Some(1 + reads.len()));
        Ok::<_, ()>(Arc::new(()))
    });
    assert_eq!((of.is_ok(), made), (true, 2));
}

#[test]
fn layers_move_to_the_front_of_what_only_they_read() {
    let before = |a: &Layer, b: &Layer| match (a, b) {
        (Layer::Subsample([a, _]), Layer::Subsample([b, _])) => a < b,
        _ => false,
    };
    let sorted = |stack: &Stack| written(&stack.reordered(before));
    assert_eq!(sorted(&chain(&[3, 2, 1].map(layer))), "3(2(1(x)))");
    assert_eq!(sorted(&chain(&[1, 3, 2, 2].map(layer))), "3(2(2(1(x))))");
    // What both branches read stays in front of both.
    let both = sum(&[layer(1), layer(2)]);
    assert_eq!(sorted(&chain(&[layer(3), both.clone()])), "[1(3(x))+2(3(x))]");
    assert_eq!(sorted(&chain(&[both, layer(0)])), "0([1(x)+2(x)])");
}
