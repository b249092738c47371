//! Attention.

use super::bench::*;

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Heads {
    offset: i64,
    batch: u32,
    head: u32,
    place: u32,
    reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Attention {
    query: Heads,
    key: Heads,
    value: Heads,
    output: Heads,
    heads: u32,
    queries: u32,
    keys: u32,
    length: u32,
    value_length: u32,
    scale: f32,
}

struct Case {
    kernel: u32,
    batches: usize,
    heads: usize,
    queries: usize,
    keys: usize,
    length: usize,
    value_length: usize,
    /// By which scores are larger than usual: the largest decides then.
    sharpness: f64,
}

const PLAIN: Case =
    Case { kernel: 64, batches: 2, heads: 3, queries: 70, keys: 70, length: 64, value_length: 64, sharpness: 1.0 };

const CASES: [Case; 7] = [
    PLAIN,
    Case { queries: 5, keys: 1, length: 8, value_length: 16, ..PLAIN },
    Case { queries: 33, keys: 131, length: 40, value_length: 24, sharpness: 40.0, ..PLAIN },
    Case { kernel: 128, batches: 1, queries: 66, keys: 90, length: 128, value_length: 128, ..PLAIN },
    Case { kernel: 128, batches: 1, heads: 1, length: 72, value_length: 88, sharpness: 9.0, ..PLAIN },
    Case { kernel: 256, batches: 1, heads: 1, queries: 77, keys: 77, length: 256, value_length: 256, ..PLAIN },
    Case { kernel: 256, batches: 2, heads: 1, queries: 16, keys: 40, length: 136, value_length: 200, ..PLAIN },
];

/// Where element d of a place of a head lies.
fn at(heads: &Heads, batch: usize, head: usize, place: usize, d: usize) -> usize {
    batch * heads.batch as usize + head * heads.head as usize + place * heads.place as usize + d
}

/// softmax(scale Q K^T) V by its definition. The weights are rounded to bf16 on the way, each by at most 2^-9 of itself:
/// which is what `size` lets the result be off, in units of 1e-6.
fn expected(case: &Case, shape: &Attention, q: &[f64], k: &[f64], v: &[f64]) -> Vec<Expected> {
    let mut all = Vec::new();
    for batch in 0..case.batches {
        for query in 0..case.queries {
            for head in 0..case.heads {
                let score = |key: usize| -> f64 {
                    let term = |d| q[at(&shape.query, batch, head, query, d)] * k[at(&shape.key, batch, head, key, d)];
                    f64::from(shape.scale) * (0..case.length).map(term).sum::<f64>()
                };
                let scores: Vec<_> = (0..case.keys).map(score).collect();
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<_> = scores.iter().map(|score| (score - most).exp()).collect();
                let total: f64 = weights.iter().sum();
                for d in 0..case.value_length {
                    let value = |key: usize| v[at(&shape.value, batch, head, key, d)];
                    let terms = weights.iter().enumerate().map(|(key, weight)| weight * value(key) / total);
                    let (value, size) =
                        terms.fold((0.0, 0.0), |(sum, size), term: f64| (sum + term, size + term.abs()));
                    all.push(Expected { value, size: size * 1e6 / 512.0 + 10.0 });
                }
            }
        }
    }
    all
}

fn check(case: &Case, is_few: bool) -> Vec<f64> {
    let Case { batches, heads, queries, keys, length, value_length, .. } = *case;
    // queries, keys and values of a place lie side by side where they can, as a convolution makes them
    let wide = heads * (2 * length + value_length);
    let is_joined = queries == keys;
    let heads_of = |places: usize, len: usize, wide: usize| Heads {
        offset: 0,
        batch: (places * wide) as u32,
        head: len as u32,
        place: wide as u32,
        reserved: 0,
    };
    let mut memory = Memory::default();
    let q = numbers(batches * queries * wide, 21).iter().map(|q| rounded(q * case.sharpness)).collect::<Vec<_>>();
    let kv = if is_joined { q.clone() } else { numbers(batches * keys * wide, 22) };
    let mut query = heads_of(queries, length, wide);
    query.offset = memory.half(&q);
    let first = if is_joined { query.offset } else { memory.half(&kv) };
    let (mut key, mut value) = (heads_of(keys, length, wide), heads_of(keys, value_length, wide));
    key.offset = first + (heads * length) as i64;
    value.offset = key.offset + (heads * length) as i64;
    let mut output = heads_of(queries, value_length, heads * value_length);
    let len = batches * queries * heads * value_length;
    output.offset = memory.half_result(len);
    let shape = Attention {
        query,
        key,
        value,
        output,
        heads: heads as u32,
        queries: queries as u32,
        keys: keys as u32,
        length: length as u32,
        value_length: value_length as u32,
        scale: 1.0 / (length as f32).sqrt(),
    };
    let parts = if case.kernel == 256 { (value_length as u32).div_ceil(128) } else { 1 };
    let ptx = match is_few {
        true => include_str!("../../../backends/cuda/ptx/half_few.ptx"),
        false => include_str!("../../../backends/cuda/ptx/half_attention.ptx"),
    };
    let (bench, block) = (Bench::new(ptx), if is_few { 16 } else { 64 });
    let kernel = format!("rwt_half_attention_{}{}", if is_few { "few_" } else { "" }, case.kernel);
    let grid = [(queries as u32).div_ceil(block), (batches * heads) as u32, parts];
    let parameters = parameters(&shape, &[], &[] as &[u32]);
    bench.launch(&kernel, grid, 128, &Memory::default(), &mut memory, &parameters);
    let found = memory.read_half(output.offset, len);
    let what = format!("{kernel}, {queries} queries, {keys} keys, {length} and {value_length} long");
    let expected = expected(case, &shape, &q, &kv[heads * length..], &kv[2 * heads * length..]);
    compare(&what, &found, &expected, true);
    let off = found.iter().zip(&expected).map(|(found, expected)| (found - expected.value).powi(2)).sum::<f64>();
    let all = expected.iter().map(|expected| expected.value.powi(2)).sum::<f64>();
    assert!((off / all).sqrt() < 0.004, "{what}: {}", (off / all).sqrt());
    found
}

#[test]
fn attention_is_its_definition() {
    in_all_modes("attention::attention_is_its_definition", || {
        [false, true].iter().flat_map(|is_few| CASES.iter().flat_map(|case| check(case, *is_few))).collect()
    });
}
