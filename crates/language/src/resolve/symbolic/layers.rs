//! Layers with sizes in their arguments.

use super::kernels::{is_word, mean};
use super::{Item, Reader, Shaped};
use crate::resolve::builtins::{self, LAYERS};
use crate::syntax::ast::{Argument, Expr, ExprKind};
use crate::syntax::print_expression;
use convproof_engine::symbolic::exponent::{Exponent, is_at_least, is_whole, times, whole};
use convproof_engine::symbolic::kernel::KernelForm;
use convproof_engine::symbolic::map::{Linear, Map, MapNode};
use convproof_engine::symbolic::number::Number;
use convproof_engine::symbolic::reach::SymbolicReach;
use convproof_engine::symbolic::{Reading, Unread};
use convproof_exact::Rational;

/// The arguments of a layer by name.
struct Given<'e> {
    all: Vec<(&'static str, &'e Expr)>,
}

impl<'e> Given<'e> {
    fn get(&self, name: &str) -> Option<&'e Expr> {
        self.all.iter().find(|(own, _)| *own == name).map(|(_, expr)| *expr)
    }

    /// An argument that must be there.
    fn first(&self) -> Reading<&'e Expr> {
        self.all.first().map(|(_, expr)| *expr).ok_or(Unread("an argument is missing"))
    }
}

impl Reader<'_, '_> {
    /// A layer without arguments.
    pub(super) fn plain_layer(&mut self, name: &str) -> Reading<Item> {
        match name {
            "id" => Ok(Item::Map(Map::identity())),
            "relu" => Map::node(MapNode::Relu).map(Item::Map),
            "global_avgpool" => Err(Unread("global averages are not read with sizes as symbols")),
            _ => Err(Unread("a name is not read with sizes as symbols")),
        }
    }

    /// A call of a function or layer.
    pub(super) fn call(&mut self, name: &str, arguments: &[Argument]) -> Reading<Item> {
        let layer_pad = name == "pad" && !matches!(arguments.len(), 2 | 5);
        if !layer_pad && let Some(read) = self.function(name, arguments) {
            return read;
        }
        if let ("kernel_size" | "stride", [stack]) = (name, arguments) {
            return self.quantity(name, &stack.value);
        }
        if arguments.is_empty() {
            return self.plain_layer(name);
        }
        let given = given(name, arguments)?;
        match name {
            "conv" => self.conv(&given),
            "avgpool" | "sumpool" => self.pool(name == "avgpool", &given),
            "maxpool" => self.maxpool(&given),
            "subsample" => {
                let stride = self.pair(given.first()?)?;
                every(&stride).map(Item::Map)
            }
            "pad" if given.get("mode").is_some() || given.get("value").is_some() => {
                Err(Unread("padding with other entries than zeros is not read with sizes as symbols"))
            }
            "pad" | "crop" => {
                let mut sides = self.four(arguments)?;
                if name == "crop" {
                    sides = sides.map(|side| whole(0) - &side);
                }
                linear(&one(), &[whole(1), whole(1)], &[whole(1), whole(1)], &sides).map(Item::Map)
            }
            "scale" => self.scale(given.first()?).map(Item::Map),
            "bias" => self.bias(given.first()?).map(Item::Map),
            "batchnorm" => {
                let all = ["gamma", "beta", "mean", "var"].map(|name| given.get(name));
                let [Some(gamma), Some(beta), Some(mean), Some(var)] = all else {
                    return Err(Unread("an argument is missing"));
                };
                self.batchnorm([gamma, beta, mean, var], given.get("eps")).map(Item::Map)
            }
            "upsample" | "zero_insert" | "convtranspose" => {
                Err(Unread("upsampling is not read with sizes as symbols"))
            }
            _ => Err(Unread("a layer or function is not read with sizes as symbols")),
        }
    }

    fn conv(&mut self, given: &Given<'_>) -> Reading<Item> {
        if given.get("padding_mode").is_some() {
            return Err(Unread("padding with other entries than zeros is not read with sizes as symbols"));
        }
        let kernel = match given.get("groups") {
            Some(groups) => self.grouped(given.first()?, groups)?,
            None => self.kernel(given.first()?)?,
        };
        let dilation = self.pair_or(given.get("dilation"), &[whole(1), whole(1)])?;
        let stride = self.pair_or(given.get("stride"), &[whole(1), whole(1)])?;
        let Shaped { kernel, extent, channels } = self.dilated(&kernel, &dilation)?;
        let padding = self.padding(given.get("padding"), &extent, &stride)?;
        let reach = SymbolicReach::window(&extent, &stride, &padding);
        let kernel = kernel.shifted(&reach.first);
        let map = Map::node(MapNode::Linear(Linear { kernel, reach, channels: Some(channels) }))?;
        match given.get("bias") {
            Some(bias) => map.then(&self.bias(bias)?, &self.flat()).map(Item::Map),
            None => Ok(Item::Map(map)),
        }
    }

    /// A free kernel in groups: a letter of its own, with blocks of the kernel on its diagonal.
    fn grouped(&mut self, kernel: &Expr, groups: &Expr) -> Reading<Shaped> {
        let count = self.whole(groups)?;
        let ExprKind::Name(name) = &kernel.kind else {
            return Err(Unread("groups of what is no free kernel are not read with sizes as symbols"));
        };
        let ungrouped = self.kernel(kernel)?;
        if count == whole(1) {
            return Ok(ungrouped);
        }
        if !self.kernels.iter().any(|(own, _)| own == name) || !is_at_least(&count, 1) {
            return Err(Unread("groups of what is no free kernel are not read with sizes as symbols"));
        }
        let [outputs, inputs] = ungrouped.channels;
        let channels = [outputs, times(&inputs, &count)?];
        // No name has a space in it.
        let name = format!("{name} in {} groups", print_expression(groups));
        match self.letter(&name, ungrouped.extent, channels) {
            Item::Kernel(kernel) => Ok(kernel),
            _ => Err(Unread("a kernel is not read with sizes as symbols")),
        }
    }

    fn pool(&mut self, average: bool, given: &Given<'_>) -> Reading<Item> {
        let extent = self.pair(given.first()?)?;
        let stride = self.pair_or(given.get("stride"), &extent)?;
        if given.get("ceil_mode").is_some_and(|flag| !matches!(flag.kind, ExprKind::Bool(false))) {
            return Err(Unread("ceil_mode is not read with symbolic windows"));
        }
        let padding = self.padding(given.get("padding"), &extent, &stride)?;
        let counted =
            given.get("count_include_pad").is_none_or(|flag| matches!(flag.kind, ExprKind::Bool(true)));
        if !counted && padding != zeros() {
            return Err(Unread(
                "means whose divisors depend on the position are not read with sizes as symbols",
            ));
        }
        let mut kernel = KernelForm::ones(&extent)?;
        if average {
            kernel = kernel.times(&KernelForm::number(&mean(&extent)?))?;
        }
        linear(&kernel, &extent, &stride, &padding).map(Item::Map)
    }

    fn maxpool(&mut self, given: &Given<'_>) -> Reading<Item> {
        let extent = self.pair(given.first()?)?;
        let stride = self.pair_or(given.get("stride"), &extent)?;
        if given.get("ceil_mode").is_some_and(|flag| !matches!(flag.kind, ExprKind::Bool(false))) {
            return Err(Unread("ceil_mode is not read with symbolic windows"));
        }
        let padding = match given.get("padding") {
            Some(expr) if !is_word(expr, "valid") => self.sides(expr)?,
            _ => zeros(),
        };
        Map::node(MapNode::Max(SymbolicReach::window(&extent, &stride, &padding))).map(Item::Map)
    }

    fn pair_or(&mut self, expr: Option<&Expr>, default: &[Exponent; 2]) -> Reading<[Exponent; 2]> {
        expr.map_or_else(|| Ok(default.clone()), |expr| self.pair(expr))
    }

    /// Zeros around the image. SAME adds extent − 1 of them where the stride is 1, half of that on each side if it is even.
    fn padding(
        &mut self,
        expr: Option<&Expr>,
        extent: &[Exponent; 2],
        stride: &[Exponent; 2],
    ) -> Reading<[Exponent; 4]> {
        let Some(expr) = expr else { return Ok(zeros()) };
        if is_word(expr, "valid") {
            return Ok(zeros());
        }
        if !is_word(expr, "same") && !is_word(expr, "same_lower") {
            return self.sides(expr);
        }
        if !stride.iter().all(|stride| *stride == whole(1)) {
            return Err(Unread("SAME padding with a stride is not read with sizes as symbols"));
        }
        let half = Rational::ratio(1, 2).unwrap_or_default();
        let halves = [0, 1].map(|axis| (&extent[axis] - &whole(1)).scaled(&half));
        if !halves.iter().all(is_whole) {
            return Err(Unread(
                "SAME padding of a window that is not plainly odd is not read with sizes as symbols",
            ));
        }
        let [v, h] = halves;
        Ok([v.clone(), h.clone(), v, h])
    }
}

/// The arguments of a layer, sorted.
fn given<'e>(name: &str, arguments: &'e [Argument]) -> Reading<Given<'e>> {
    let unknown = Unread("a layer or function is not read with sizes as symbols");
    let signature = builtins::signature(&LAYERS, name, arguments.len()).ok_or(unknown.clone())?;
    let names: Vec<&'static str> = signature.required.iter().chain(signature.optional).copied().collect();
    let mut all = Vec::with_capacity(arguments.len());
    for (at, argument) in arguments.iter().enumerate() {
        let own = match &argument.name {
            Some(name) => names.iter().find(|own| **own == name.text),
            None => names.get(at),
        };
        all.push((*own.ok_or(unknown.clone())?, &argument.value));
    }
    all.sort_by_key(|(own, _)| names.iter().position(|name| name == own));
    Ok(Given { all })
}

/// A linear map that takes each channel by itself.
fn linear(
    kernel: &KernelForm,
    extent: &[Exponent; 2],
    stride: &[Exponent; 2],
    padding: &[Exponent; 4],
) -> Reading<Map> {
    let reach = SymbolicReach::window(extent, stride, padding);
    let kernel = kernel.shifted(&reach.first);
    Map::node(MapNode::Linear(Linear { kernel, reach, channels: None }))
}

/// Means of windows that meet without overlap.
pub(super) fn averages(window: &[Exponent; 2]) -> Reading<Map> {
    linear(&KernelForm::ones(window)?.times(&KernelForm::number(&mean(window)?))?, window, window, &zeros())
}

/// Their sums.
pub(super) fn sums(window: &[Exponent; 2]) -> Reading<Map> {
    linear(&KernelForm::ones(window)?, window, window, &zeros())
}

/// Every s-th row and column.
pub(super) fn every(stride: &[Exponent; 2]) -> Reading<Map> {
    linear(&one(), &[whole(1), whole(1)], stride, &zeros())
}

fn one() -> KernelForm {
    KernelForm::number(&Number::of(whole(1)))
}

fn zeros() -> [Exponent; 4] {
    [0, 1, 2, 3].map(|_| whole(0))
}
