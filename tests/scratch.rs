use kaizen::config::Precision;
use kaizen::model::network::*;
use kaizen::model::*;
#[test]
fn score() {
    let g =
        Gguf::open(std::path::Path::new("/work/models/SmolLM2-135M-Instruct.Q4_1.gguf")).unwrap();
    for p in [Precision::Quantised, Precision::F32] {
        let t0 = std::time::Instant::now();
        let n = Network::load(&g, p, |_| ()).unwrap();
        println!("load {:?} {} MB", t0.elapsed(), n.bytes() / 1000000);
        let mut worst = 0f64;
        let mut all = 0f64;
        let mut allr = 0f64;
        let mut cnt = 0;
        let t0 = std::time::Instant::now();
        let mut toks = 0;
        for line in std::fs::read_to_string("../shared/reference/score.jsonl").unwrap().lines() {
            let v: serde_json::Value = serde_json::from_str(line).unwrap();
            let ids: Vec<u32> = v["token_ids"]
                .as_array()
                .unwrap()
                .iter()
                .map(|x| x.as_u64().unwrap() as u32)
                .collect();
            let mask: Vec<u64> =
                v["score_mask"].as_array().unwrap().iter().map(|x| x.as_u64().unwrap()).collect();
            let targets: Vec<Target> = (1..ids.len())
                .filter(|i| mask[*i] == 1)
                .map(|i| Target { row: i - 1, token: ids[i] })
                .collect();
            let h = n.read(None, &ids, &[0..ids.len()]).unwrap();
            toks += ids.len();
            let l = n.losses(&h, &targets);
            if l.is_empty() {
                continue;
            }
            let m = l.iter().map(|x| *x as f64).sum::<f64>() / l.len() as f64;
            let r = v["mean_nll"].as_f64().unwrap();
            all += m * l.len() as f64;
            allr += r * l.len() as f64;
            cnt += l.len();
            worst = worst.max((m - r).abs());
        }
        println!(
            "worst {worst:e} pooled {:e} {} tok/s",
            (all - allr) / cnt as f64,
            toks as f64 / t0.elapsed().as_secs_f64()
        );
        let ids: Vec<u32> = (0..512).map(|i| (i * 37 + 11) % 40000).collect();
        for _ in 0..3 {
            let t0 = std::time::Instant::now();
            let h = n.read(None, &ids, &[0..512]).unwrap();
            let t1 = t0.elapsed();
            let t: Vec<Target> = (0..511).map(|i| Target { row: i, token: ids[i + 1] }).collect();
            let _ = n.losses(&h, &t);
            println!(
                "512 prompt: {:.0} tok/s, with head {:.0}",
                512.0 / t1.as_secs_f64(),
                512.0 / t0.elapsed().as_secs_f64()
            );
        }
        for batch in [1usize, 4, 6, 8, 16] {
            let mut caches: Vec<KeyValueCache> =
                (0..batch).map(|_| KeyValueCache::new(n.architecture())).collect();
            let t0 = std::time::Instant::now();
            for i in 0..32 {
                let tok = [ids[i]];
                let mut feeds: Vec<Feed> =
                    caches.iter_mut().map(|c| Feed { tokens: &tok, cache: c }).collect();
                let h = n.extend(None, &mut feeds).unwrap();
                let _ = n.logits(&h, &(0..batch).collect::<Vec<_>>());
            }
            println!(
                "decode {batch}: {:.1} tok/s",
                (32 * batch) as f64 / t0.elapsed().as_secs_f64()
            );
        }
    }
}
