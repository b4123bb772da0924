use super::*;

const SHAPE: AttentionShape = AttentionShape { heads: 4, key_heads: 2, head_width: 6 };

/// Attention of every kind.
fn kinds() -> [Attention; 4] {
    let full = Attention::full(SHAPE);
    [
        full,
        Attention { window: Some(3), scale: 0.7, ..full },
        Attention { score_cap: Some(1.5), ..full },
        Attention { window: Some(70), score_cap: Some(2.0), ..full },
    ]
}

fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| (((i * 7919 + seed * 104729) % 1013) as f32 / 506.0 - 1.0) * 1.5).collect()
}

/// Softmax attention straight from its definition, in f64.
fn definition(
    attention: &Attention,
    queries: &[f32],
    keys: &[f32],
    values: &[f32],
    sequences: &[Range<usize>],
) -> Vec<f64> {
    let mut out = vec![0.0; queries.len()];
    for rows in sequences {
        for head in 0..4 {
            for i in rows.clone() {
                let oldest = attention.window.map_or(0, |window| (i + 1).saturating_sub(window));
                let oldest = oldest.max(rows.start);
                let weights: Vec<f64> = (oldest..=i)
                    .map(|j| {
                        let score: f64 = (0..6)
                            .map(|c| {
                                f64::from(
                                    queries[i * 24 + head * 6 + c]
                                        * keys[j * 12 + head / 2 * 6 + c],
                                )
                            })
                            .sum();
                        let score = score * f64::from(attention.scale);
                        let cap = attention.score_cap.map(f64::from);
                        cap.map_or(score, |cap| cap * (score / cap).tanh()).exp()
                    })
                    .collect();
                let total: f64 = weights.iter().sum();
                for c in 0..6 {
                    out[i * 24 + head * 6 + c] = (oldest..=i)
                        .map(|j| {
                            weights[j - oldest] / total
                                * f64::from(values[j * 12 + head / 2 * 6 + c])
                        })
                        .sum();
                }
            }
        }
    }
    out
}

fn run(
    attention: &Attention,
    queries: &[f32],
    keys: &[f32],
    values: &[f32],
    sequences: &[Range<usize>],
) -> (Vec<f32>, Vec<f32>) {
    let spans: Vec<Span> = sequences
        .iter()
        .map(|rows| Span {
            rows: rows.clone(),
            keys: &keys[rows.start * 12..rows.end * 12],
            values: &values[rows.start * 12..rows.end * 12],
        })
        .collect();
    let (mut out, mut log_sums) = (vec![0.0; queries.len()], vec![0.0; queries.len() / 6]);
    attend(attention, queries, &spans, &mut out, Some(&mut log_sums));
    (out, log_sums)
}

/// If this fails, one packed sequence reads another's text.
#[test]
fn packed_sequences_attend_to_their_own_past_alone() {
    let sequences = [0..1, 1..6, 6..141];
    let (q, k, v) = (numbers(141 * 24, 1), numbers(141 * 12, 2), numbers(141 * 12, 3));
    for kind in kinds() {
        let exact = definition(&kind, &q, &k, &v, &sequences);
        let (out, _) = run(&kind, &q, &k, &v, &sequences);
        assert!(out.iter().zip(&exact).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-4));
    }
}

#[test]
fn a_cached_past_gives_what_the_whole_sequence_gives() {
    let (q, k, v) = (numbers(70 * 24, 4), numbers(70 * 12, 5), numbers(70 * 12, 6));
    for kind in kinds() {
        let (whole, _) = run(&kind, &q, &k, &v, std::slice::from_ref(&(0..70)));
        for past in [69, 68, 66, 5] {
            let mut out = vec![0.0; (70 - past) * 24];
            let span = Span { rows: 0..70 - past, keys: &k, values: &v };
            attend(&kind, &q[past * 24..], &[span], &mut out, None);
            assert!(out.iter().zip(&whole[past * 24..]).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    kinds().iter().for_each(gradients_of_one_kind_agree);
}

fn gradients_of_one_kind_agree(kind: &Attention) {
    let sequences = [0..3, 3..7];
    let parts = [numbers(7 * 24, 7), numbers(7 * 12, 8), numbers(7 * 12, 9)];
    let d_out = numbers(7 * 24, 10);
    let loss = |parts: &[Vec<f32>; 3]| -> f64 {
        let out = definition(kind, &parts[0], &parts[1], &parts[2], &sequences);
        out.iter().zip(&d_out).map(|(a, b)| a * f64::from(*b)).sum()
    };
    let (out, log_sums) = run(kind, &parts[0], &parts[1], &parts[2], &sequences);
    let mut gradients = [vec![9.0; 7 * 24], vec![9.0; 7 * 12], vec![9.0; 7 * 12]];
    let [dq, dk, dv] = &mut gradients;
    let seen = Attended {
        queries: &parts[0],
        keys: &parts[1],
        values: &parts[2],
        out: &out,
        log_sums: &log_sums,
        sequences: &sequences,
    };
    attend_backward(kind, &seen, &d_out, dq, dk, dv);
    for part in 0..3 {
        for i in 0..parts[part].len() {
            let (mut above, mut below) = (parts.clone(), parts.clone());
            above[part][i] += 1e-3;
            below[part][i] -= 1e-3;
            let difference = (loss(&above) - loss(&below)) / 2e-3;
            let ours = f64::from(gradients[part][i]);
            assert!(
                (difference - ours).abs() < 2e-3,
                "part {part}, place {i}: {difference} and {ours}"
            );
        }
    }
}
