//! LSTM with the activations that it has by default, without a list of lengths.

use crate::precise::Precise;

use super::{Array, Call, Evaluated, Machine, Refusal, room};

/// The weights of one direction: those of the input, of the state, and both biases as one.
struct Direction<'a> {
    number: usize,
    hidden: usize,
    inputs: usize,
    weights: &'a Array,
    recurrent: &'a Array,
    bias: Option<&'a Array>,
    /// Weights of the cell in the gates, if there are any.
    peephole: Option<&'a Array>,
}

impl Direction<'_> {
    /// What goes into a gate (input, output, forget, cell) of a unit.
    fn gate(&self, gate: usize, unit: usize, x: &[Precise], state: &[Precise]) -> Precise {
        let row = gate * self.hidden + unit;
        let rows = self.number * 4 * self.hidden + row;
        let dot = |array: &Array, values: &[Precise]| {
            let product = |(n, value): (usize, &Precise)| array.real(rows * values.len() + n).times(*value);
            values.iter().enumerate().map(product).fold(Precise::ZERO, Precise::plus)
        };
        let sum = dot(self.weights, x).plus(dot(self.recurrent, state));
        let Some(bias) = self.bias else { return sum };
        let first = self.number * 8 * self.hidden + row;
        sum.plus(bias.real(first)).plus(bias.real(first + 4 * self.hidden))
    }

    /// The peephole's part of a gate (input, output, forget).
    fn seen(&self, gate: usize, unit: usize, cell: Precise) -> Precise {
        let weight =
            |weights: &Array| weights.real((self.number * 3 + gate) * self.hidden + unit).times(cell);
        self.peephole.map_or(Precise::ZERO, weight)
    }

    /// The next state and cell.
    fn step(&self, x: &[Precise], state: &[Precise], cell: &[Precise]) -> (Vec<Precise>, Vec<Precise>) {
        let next = |unit: usize| {
            let old = cell[unit];
            let gate = |gate: usize| self.gate(gate, unit, x, state);
            let input = gate(0).plus(self.seen(0, unit, old)).sigmoid();
            let forget = gate(2).plus(self.seen(2, unit, old)).sigmoid();
            let new = forget.times(old).plus(input.times(gate(3).tanh()));
            let output = gate(1).plus(self.seen(1, unit, new)).sigmoid();
            (output.times(new.tanh()), new)
        };
        (0..self.hidden).map(next).unzip()
    }
}

pub(super) fn lstm(machine: &mut Machine, call: &Call<'_>) -> Evaluated<Vec<Array>> {
    let (x, weights, recurrent) = (call.array(0)?, call.array(1)?, call.array(2)?);
    let directions: &[bool] = match call.text("direction", "forward") {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        _ => return Err(Refusal::Operands),
    };
    let (&[steps, batch, inputs], &[count, rows, own_inputs], &[_, _, hidden]) =
        (x.dims.as_slice(), weights.dims.as_slice(), recurrent.dims.as_slice())
    else {
        return Err(Refusal::Operands);
    };
    let said =
        call.attributes.required_int("hidden_size").is_none_or(|said| usize::try_from(said) == Ok(hidden));
    let fits = said
        && (count, rows, own_inputs) == (directions.len(), 4 * hidden, inputs)
        && recurrent.dims == [count, rows, hidden];
    if call.int("layout", 0) != 0 || call.int("input_forget", 0) != 0 {
        return Err(Refusal::Operator);
    }
    let (bias, peephole) = (call.optional(3), call.optional(7));
    let state_of = |position: usize| call.optional(position);
    let (first_state, first_cell) = (state_of(5), state_of(6));
    let sized = |array: Option<&Array>, size: usize| array.is_none_or(|array| array.len() == size);
    let states = count * batch * hidden;
    if !fits || !sized(bias, 2 * count * rows) || !sized(peephole, 3 * count * hidden) {
        return Err(Refusal::Operands);
    }
    if !sized(first_state, states) || !sized(first_cell, states) {
        return Err(Refusal::Operands);
    }
    let all = room(&[steps, count, batch, hidden])?;
    machine.spend(all.saturating_mul(4 * (inputs + hidden)))?;
    let mut values = vec![Precise::ZERO; all];
    let (mut last_states, mut last_cells) = (Vec::new(), Vec::new());
    for (number, &backwards) in directions.iter().enumerate() {
        let direction = Direction { number, hidden, inputs, weights, recurrent, bias, peephole };
        for image in 0..batch {
            let start = |array: Option<&Array>| -> Vec<Precise> {
                let first = (number * batch + image) * hidden;
                (0..hidden).map(|n| array.map_or(Precise::ZERO, |array| array.real(first + n))).collect()
            };
            let (mut state, mut cell) = (start(first_state), start(first_cell));
            for n in 0..steps {
                let step = if backwards { steps - 1 - n } else { n };
                let first = (step * batch + image) * direction.inputs;
                let read: Vec<Precise> = (first..first + inputs).map(|place| x.real(place)).collect();
                (state, cell) = direction.step(&read, &state, &cell);
                let to = ((step * count + number) * batch + image) * hidden;
                values[to..to + hidden].copy_from_slice(&state);
            }
            last_states.extend(state);
            last_cells.extend(cell);
        }
    }
    let last = |values| Array::reals(vec![count, batch, hidden], values);
    Ok(vec![Array::reals(vec![steps, count, batch, hidden], values), last(last_states), last(last_cells)])
}
