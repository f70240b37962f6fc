//! Grammatical specs: templates of all statements, functions and layers, filled with numbers around every limit.
//!
//! In a template `N` stands for a whole number, `R` for a number, `K` for a kernel, `V` for a vector, `S` for a
//! stack, `X` for an image, `E` for an entry that is a number, `C` for a condition on sizes, `L` for a length in it,
//! `W` for a way of padding, `P` for a proposition, `Q` for an equation with the unknowns `p` and `q`, `F` for a
//! file, `M` for the name of a declaration. Everything else stands for itself.

/// Numbers at and around the limits, the ends of machine integers, and numbers that are none of them.
const EXTREMES: [&str; 46] = [
    "0",
    "1",
    "-1",
    "5",
    "9",
    "16",
    "31",
    "60",
    "63",
    "64",
    "65",
    "127",
    "128",
    "199",
    "200",
    "255",
    "256",
    "257",
    "512",
    "1023",
    "1024",
    "1025",
    "2500",
    "4095",
    "4096",
    "4097",
    "65535",
    "65536",
    "65537",
    "-65536",
    "1000000",
    "16777216",
    "2147483647",
    "2147483648",
    "4294967296",
    "9007199254740993",
    // The prime of residues, and one more.
    "2305843009213693951",
    "2305843009213693952",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e30",
    "1e-30",
    "1e300",
    "1/3",
    "0.1",
];

const KERNELS: [&str; 52] = [
    "M",
    "[R R; R R]",
    "[R]",
    "[R R R]",
    "M",
    "ones(N,N)",
    "ones(N,N,N,N)",
    "zeros(N,N)",
    "zeros(N,N,N,N)",
    "box(N)",
    "box(N,N)",
    "delta(N,N,N,N)",
    "eye(N)",
    "repeat(K,N)",
    "repeat(K,[N,N])",
    "dilate(K,N)",
    "dilate(K,[N,N])",
    "flip(K)",
    "transpose(K)",
    "pad(K,N)",
    "pad(K,[N,N])",
    "pad(K,N,N,N,N)",
    "trim(K)",
    "outer(V,V)",
    "sqrt(K)",
    "hadamard(K,K)",
    "scale_rows(K,V)",
    "scale_columns(K,V)",
    "kernel(S)",
    "load(F)",
    "load(F,\"a\")",
    "(K + K)",
    "(K - K)",
    "(-K)",
    "(K * K)",
    "(K / E)",
    "(K / K)",
    "(K ^ N)",
    "(E * K)",
    "[[[[R R] [R R]]]]",
    "[[[[R]]] [[[R]]]]",
    "(S)(X)",
    "stride(S)",
    "output_size(S,[N,N])",
    "kernel_size(S)",
    "(M * M * M)",
    "swap_channels(K)",
    "ungroup(K,N)",
    "select_rows(K,N,N)",
    "matrix(S,[N,N])",
    "select_columns(K,N,N)",
    "scale_rows(K,sum_rows(K) + sum_columns(K))",
];

const ENTRIES: [&str; 13] = [
    "R",
    "N",
    "M",
    "sum(K)",
    "K[N,N]",
    "K[N]",
    "K[N,N,N,N]",
    "sqrt(R)",
    "(E ^ N)",
    "(E / E)",
    "params(S)",
    "macs(S,[N,N])",
    "error(K,K)",
];

const STACKS: [&str; 80] = [
    "id",
    "relu",
    "conv(K)",
    "s",
    "avgpool(N)",
    "scale(E)",
    "bias(E)",
    "global_avgpool",
    "conv(K, stride=N)",
    "conv(K, dilation=[N,N])",
    "conv(K, padding=W)",
    "conv(K, groups=N)",
    "conv(K, bias=V)",
    "conv(K, stride=[N,N], dilation=N, padding=[N,N,N,N], groups=N, bias=V)",
    "convtranspose(K)",
    "convtranspose(K, stride=N, padding=N)",
    "convtranspose(K, stride=[N,N], output_padding=[N,N])",
    "convtranspose(K, dilation=N, output_padding=N, groups=N, bias=V)",
    "avgpool([N,N], stride=N)",
    "avgpool(N, stride=[N,N], padding=W)",
    "avgpool(N, ceil_mode=true)",
    "avgpool(N, stride=N, padding=W, count_include_pad=false, ceil_mode=true)",
    "sumpool(N, stride=N, padding=W)",
    "sumpool(N, ceil_mode=true)",
    "maxpool(N)",
    "maxpool([N,N], stride=[N,N], padding=N)",
    "subsample(N)",
    "subsample([N,N])",
    "pad(N)",
    "pad([N,N])",
    "pad(N,N,N,N)",
    "crop(N)",
    "crop(N,N,N,N)",
    "scale(V)",
    "bias(V)",
    "batchnorm(V,V,V,V)",
    "batchnorm(E,E,E,E,eps=R)",
    "upsample(N)",
    "upsample([N,N])",
    "zero_insert(N)",
    "zero_insert([N,N])",
    "space_to_depth(N)",
    "depth_to_space(N)",
    "select(N,N)",
    "slice(from=N, to=[N,0], step=N)",
    "(flatten -> dense(K))",
    "(flatten -> dense(K, bias=V))",
    "concat(S,S)",
    "concat(S,S,S)",
    "(S -> S)",
    "(S -> S -> S)",
    "(S + S)",
    "(S - S)",
    "(-S)",
    "(E * S)",
    "(S / E)",
    "(S ^ N)",
    "(S -> relu -> S)",
    "(S -> global_avgpool)",
    "abs",
    "relu6",
    "(sigmoid -> tanh)",
    "(S -> silu -> gelu)",
    "(S -> softplus + hardswish)",
    "resize(E)",
    "resize([R,R], mode=bilinear)",
    "resize(R, mode=bicubic, coordinates=asymmetric, a=R)",
    "resize(R, mode=bilinear, align_corners=true)",
    "adaptive_avgpool(N)",
    "adaptive_maxpool([N,N])",
    "(permute([N,N]) -> channel_shuffle(N) -> channel_mean)",
    "hardsigmoid(R, R)",
    "leakyrelu(E)",
    "prelu(V)",
    "clip(R, R)",
    "pad(N, value=E)",
    "pad([N,N], mode=reflect)",
    "pad(N,N,N,N, mode=symmetric)",
    "pad(N, mode=circular)",
    "conv(K, stride=N, padding=[N,N,N,N], padding_mode=replicate)",
];

const PROPOSITIONS: [&str; 26] = [
    "S == S",
    "S == S on [N,N]",
    "S == S where C",
    "S ~= S within R",
    "S ~= S within R for |x| <= R",
    "S ~= S within R on [N,N]",
    "S ~= S within R where C",
    "K == K",
    "K != K",
    "(S)(X) == X",
    "E == E",
    "E != E",
    "E < E",
    "E <= E",
    "E > E",
    "E >= E",
    "max_error(K,K) <= R",
    "exists p[N,N], q[N,N]: Q",
    "exists p[N,N]: Q",
    "exists p[N,N], q[N,N] over %Q: Q",
    "exists p[N,N], q[N,N] over %C: Q",
    "exists p[N,N]: convtranspose(p, stride=N, padding=N) == S where C",
    "forall d[N,N]: exists p[N,N], q[N,N]: p * q == d",
    "forall d[N,N]: conv(d) == S",
    "forall d[N,N,N,N]: conv(d) -> S == S",
    "S -> S == S",
];

const CONDITIONS: [&str; 12] = [
    "L == L",
    "L != L",
    "L < L",
    "L <= L",
    "L > L",
    "L >= L",
    "(C and C)",
    "(C or C)",
    "not (C)",
    "h % N == N",
    "h * w % N == N",
    "h - w >= N",
];

const LENGTHS: [&str; 8] = ["h", "w", "N", "(L + L)", "(L - L)", "(N * L)", "(L % N)", "(h * w % N)"];

const EQUATIONS: [&str; 7] = [
    "p * q == K",
    "p * q == M",
    "p == K",
    "p * p == K",
    "K * p + q == K",
    "p ^ N * q == K",
    "2 * p - q * K == K",
];

const STATEMENTS: [&str; 26] = [
    "prove: P",
    "refute: P",
    "prove \"label\": P",
    "prove: P",
    "prove: S == S",
    "kernel m[N,N]",
    "kernel m[N]",
    "kernel m[N,N,N,N]",
    "kernel m = K",
    "kernel m[N,N] = K",
    "scalar m",
    "scalar m = E",
    "image x = [R R; R R]",
    "image x[N,N] = K",
    "image x[N,N,N] = X",
    "stack s = S",
    "stack s = S",
    "chain: S == S == S",
    "chain \"steps\": S ~= S within R == S where C",
    "solve p[N,N], q[N,N]: Q",
    "solve p[N,N]: Q",
    "solve p[N,N]: conv(p, stride=N, padding=N) == S",
    "solve p[N,N,N,N], q[N]: S -> conv(p, bias=q, groups=N) == S on [N,N]",
    "fit p[N,N], q[N,N]: p * q ~ K with seed=N, starts=N",
    "fit rank N: p ~ K",
    "fit p[N,N]: p * K ~ K",
];

/// Writes one spec.
pub(crate) struct Writer {
    seed: u64,
    names: [Vec<String>; 3],
    made: usize,
    /// How many extreme numbers the statement may still have.
    extremes: usize,
}

impl Writer {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, names: [Vec::new(), Vec::new(), Vec::new()], made: 0, extremes: 0 }
    }

    /// A number below another, by the generator of Steele, Lea and Flood.
    fn below(&mut self, end: usize) -> usize {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// Small, but for one or two numbers of a statement: so most statements are about something.
    fn number(&mut self) -> String {
        if self.extremes > 0 && self.below(4) == 0 {
            self.extremes -= 1;
            return self.pick(&EXTREMES).to_owned();
        }
        (1 + self.below(2)).to_string()
    }

    /// A declared name: of a kernel or number (0), an image (1), a stack (2).
    fn name(&mut self, kind: usize) -> Option<String> {
        let count = self.names[kind].len();
        (count > 0).then(|| self.below(count)).map(|at| self.names[kind][at].clone())
    }

    /// One of some templates; deep inside one of the first few, which have little inside them.
    fn one_of(&mut self, all: &[&'static str], leaves: usize, depth: usize) -> String {
        let template = if depth == 0 { self.pick(&all[..leaves]) } else { self.pick(all) };
        self.fill(template, depth.saturating_sub(1))
    }

    fn fill(&mut self, template: &str, depth: usize) -> String {
        let mut text = String::new();
        let mut literal = false;
        for c in template.chars() {
            if std::mem::take(&mut literal) {
                text.push(c);
                continue;
            }
            match c {
                '%' if template.contains("over %") => literal = true,
                'N' | 'R' => text.push_str(&self.number()),
                'M' => match self.name(0) {
                    Some(name) => text.push_str(&name),
                    None => text.push_str("[1 2; 3 4]"),
                },
                's' if template == "s" => text.push_str(&self.name(2).unwrap_or_else(|| "id".to_owned())),
                'X' => match self.name(1) {
                    Some(name) => text.push_str(&name),
                    None => text.push_str("[1 2; 3 4]"),
                },
                'F' => text.push_str(self.pick(&[
                    "\"a.npy\"",
                    "\"a.npz\"",
                    "\"a.safetensors\"",
                    "\"none\"",
                    "\"\"",
                ])),
                'W' => {
                    let way = self.pick(&["same", "same_lower", "valid", "N", "[N,N]", "[N,N,N,N]"]);
                    text.push_str(&self.fill(way, 0));
                }
                'V' => {
                    let vector = self.pick(&["[R]", "[R R]", "[R R R R]", "M", "K", "E"]);
                    text.push_str(&self.fill(vector, 0));
                }
                'K' => text.push_str(&self.one_of(&KERNELS, 5, depth)),
                'E' => text.push_str(&self.one_of(&ENTRIES, 3, depth)),
                'S' => text.push_str(&self.one_of(&STACKS, 8, depth)),
                'C' => text.push_str(&self.one_of(&CONDITIONS, 6, depth)),
                'L' => text.push_str(&self.one_of(&LENGTHS, 3, depth)),
                'P' => text.push_str(&self.one_of(&PROPOSITIONS, PROPOSITIONS.len(), depth)),
                'Q' => text.push_str(&self.one_of(&EQUATIONS, EQUATIONS.len(), depth)),
                other => text.push(other),
            }
        }
        text
    }

    fn statement(&mut self) -> String {
        let template = self.pick(&STATEMENTS);
        self.extremes = self.below(3);
        let depth = 1 + self.below(4);
        let filled = self.fill(template, depth);
        let (keyword, rest) = filled.split_once(' ').unwrap_or((&filled, ""));
        let kind = ["kernel", "image", "stack"].iter().position(|&word| word == keyword);
        let kind = if keyword == "scalar" { Some(0) } else { kind };
        let Some(kind) = kind else { return filled };
        self.made += 1;
        let name = format!("{}{}", ["a", "b", "c"][kind], self.made);
        self.names[kind].push(name.clone());
        format!("{keyword} {name}{}", &rest[1..])
    }

    pub(crate) fn spec(&mut self) -> String {
        let count = 2 + self.below(6);
        let mut text = String::new();
        for _ in 0..count {
            text.push_str(&self.statement());
            text.push('\n');
        }
        text
    }
}
