//! The functions, layers and words of the language: their names and arguments.

use std::sync::LazyLock;

use convproof_engine::ir::{Function, Named};

/// A function or layer and its arguments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    pub(super) name: &'static str,
    /// How it is written, for hints.
    pub(super) text: &'static str,
    /// Arguments that must be given, in order.
    pub(super) required: &'static [&'static str],
    /// Arguments that may be given, in order after the required ones.
    pub(super) optional: &'static [&'static str],
    /// How many arguments may be given without their names.
    pub(super) positional: usize,
}

const fn all(name: &'static str, text: &'static str, required: &'static [&'static str]) -> Signature {
    Signature { name, text, required, optional: &[], positional: required.len() }
}

/// Functions that give numbers, kernels and lists.
pub(super) const FUNCTIONS: [Signature; 34] = [
    all("ones", "ones(h,w)", &["h", "w"]),
    all("zeros", "zeros(h,w)", &["h", "w"]),
    Signature { optional: &["pw"], positional: 2, ..all("box", "box(p) or box(ph,pw)", &["p"]) },
    all("delta", "delta(h,w,i,j)", &["h", "w", "i", "j"]),
    all("eye", "eye(channels)", &["channels"]),
    all("repeat", "repeat(A,n)", &["A", "n"]),
    all("dilate", "dilate(A,n)", &["A", "n"]),
    all("flip", "flip(A)", &["A"]),
    all("transpose", "transpose(A)", &["A"]),
    all("trim", "trim(A)", &["A"]),
    all("outer", "outer(u,v)", &["u", "v"]),
    all("sum", "sum(A)", &["A"]),
    all("kernel", "kernel(S)", &["S"]),
    all("sqrt", "sqrt(x)", &["x"]),
    all("hadamard", "hadamard(A,B)", &["A", "B"]),
    all("scale_rows", "scale_rows(K,g)", &["K", "g"]),
    all("scale_columns", "scale_columns(K,g)", &["K", "g"]),
    Signature {
        optional: &["entry", "from", "to"],
        positional: 2,
        ..all(
            "load",
            "load(\"file\"), load(\"file\",\"entry\") or load(\"model.onnx\",from=\"x\",to=\"y\")",
            &["path"],
        )
    },
    all("stride", "stride(S)", &["S"]),
    all("kernel_size", "kernel_size(S)", &["S"]),
    all("output_size", "output_size(S,[h,w])", &["S", "size"]),
    all("params", "params(S)", &["S"]),
    all("macs", "macs(S,[h,w])", &["S", "size"]),
    all("error", "error(K,L)", &["K", "L"]),
    all("max_error", "max_error(K,L)", &["K", "L"]),
    all("ones", "ones(out,in,h,w)", &["out", "in", "h", "w"]),
    all("zeros", "zeros(out,in,h,w)", &["out", "in", "h", "w"]),
    all("swap_channels", "swap_channels(K)", &["K"]),
    all("ungroup", "ungroup(K,groups)", &["K", "groups"]),
    all("select_rows", "select_rows(K,from,to)", &["K", "from", "to"]),
    all("select_columns", "select_columns(K,from,to)", &["K", "from", "to"]),
    all("matrix", "matrix(S,[h,w])", &["S", "size"]),
    all("sum_rows", "sum_rows(K)", &["K"]),
    all("sum_columns", "sum_columns(K)", &["K"]),
];

/// Layers with arguments that are no whole numbers, or have limits that depend on others. `pad`, `crop` and `concat` take arguments of
/// their own kind.
const OTHER_LAYERS: [Signature; 19] = [
    Signature {
        optional: &["stride", "dilation", "padding", "groups", "bias", "padding_mode"],
        ..all("conv", "conv(K, stride=1, dilation=1, padding=0, groups=1, bias=…, padding_mode=…)", &["K"])
    },
    Signature {
        optional: &["stride", "padding", "output_padding", "dilation", "groups", "bias"],
        ..all(
            "convtranspose",
            "convtranspose(K, stride=1, padding=0, output_padding=0, dilation=1, groups=1, bias=…)",
            &["K"],
        )
    },
    Signature {
        optional: &["stride", "padding", "count_include_pad", "ceil_mode"],
        ..all("avgpool", "avgpool(p, stride=p, padding=0, count_include_pad=true, ceil_mode=false)", &["p"])
    },
    Signature {
        optional: &["stride", "padding", "ceil_mode"],
        ..all("sumpool", "sumpool(p, stride=p, padding=0, ceil_mode=false)", &["p"])
    },
    Signature {
        optional: &["stride", "padding", "ceil_mode"],
        ..all("maxpool", "maxpool(p, stride=p, padding=0, ceil_mode=false)", &["p"])
    },
    all("scale", "scale(c)", &["c"]),
    all("bias", "bias(b)", &["b"]),
    all("select", "select(from,to)", &["from", "to"]),
    Signature {
        optional: &["eps"],
        positional: 5,
        ..all("batchnorm", "batchnorm(gamma, beta, mean, var, eps=1e-5)", &["gamma", "beta", "mean", "var"])
    },
    Signature { optional: &["bias"], ..all("dense", "dense(W, bias=…)", &["W"]) },
    Signature {
        optional: &["left", "bottom", "right", "mode", "value"],
        positional: 4,
        ..all("pad", "pad(n, mode=constant, value=0), pad([v,h]) or pad(top,left,bottom,right)", &["n"])
    },
    Signature {
        optional: &["left", "bottom", "right"],
        positional: 4,
        ..all("crop", "crop(n), crop([v,h]) or crop(top,left,bottom,right)", &["n"])
    },
    all("leakyrelu", "leakyrelu(a)", &["a"]),
    all("prelu", "prelu(v)", &["v"]),
    all("clip", "clip(low,high)", &["low", "high"]),
    Signature {
        optional: &["a", "b"],
        positional: 2,
        ..all("hardsigmoid", "hardsigmoid(a=1/6, b=1/2)", &[])
    },
    Signature {
        optional: &["mode", "coordinates", "align_corners", "a"],
        ..all("resize", "resize(f, mode=nearest, coordinates=…, a=-3/4)", &["f"])
    },
    Signature {
        optional: &["from", "to", "step"],
        positional: 3,
        ..all("slice", "slice(from=0, to=0, step=1)", &[])
    },
    all("permute", "permute([1,0])", &["order"]),
];

/// Layers with arguments.
pub(super) static LAYERS: LazyLock<Vec<Signature>> = LazyLock::new(|| {
    let named = Named::all().filter(|named| !named.arguments.is_empty());
    let named = named.map(|named| all(named.name, named.text, named.arguments));
    OTHER_LAYERS.into_iter().chain(named).collect()
});

/// Layers without arguments.
pub(super) fn plain_layers() -> impl Iterator<Item = &'static str> {
    let named = Named::all().filter(|named| named.arguments.is_empty()).map(|named| named.name);
    ["id", "flatten", "hardsigmoid"].into_iter().chain(named).chain(Function::ALL.map(Function::name))
}

/// Words that stand for a way of padding.
pub(super) const PADDINGS: [&str; 3] = ["valid", "same", "same_lower"];

/// Words for what stands in padding, where `mode=…` or `padding_mode=…` is written and nowhere else.
pub(super) const MODES: [&str; 5] = ["constant", "reflect", "replicate", "symmetric", "circular"];

/// Names that came after specs had been written, beside the functions of each entry and later layers of whole numbers: a
/// declaration hides them.
const LATER: [&str; 14] = [
    "hardsigmoid",
    "leakyrelu",
    "prelu",
    "clip",
    "resize",
    "permute",
    "swap_channels",
    "ungroup",
    "select_rows",
    "select_columns",
    "sum_rows",
    "sum_columns",
    "matrix",
    "slice",
];

/// The signature of a function or layer; `count` chooses between two of one name.
pub(super) fn signature(list: &'static [Signature], name: &str, count: usize) -> Option<&'static Signature> {
    let named = || list.iter().filter(|signature| signature.name == name);
    named().find(|signature| signature.positional == count).or_else(|| named().next())
}

/// Whether some layer has an option of this name.
pub(super) fn is_option(name: &str) -> bool {
    LAYERS.iter().any(|signature| signature.optional.contains(&name))
}

/// Every name of the language that a value may not have.
pub(super) fn reserved() -> impl Iterator<Item = &'static str> {
    let later = |name: &str| {
        LATER.contains(&name)
            || Function::named(name).is_some()
            || Named::of(name).is_some_and(Named::came_later)
    };
    names().filter(move |name| !later(name))
}

/// Every name of the language.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let listed = FUNCTIONS.iter().chain(&*LAYERS).map(|signature| signature.name);
    listed.chain(plain_layers()).chain(PADDINGS).chain(["concat"])
}
