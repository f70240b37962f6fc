use convproof::factor::fit::experiment;
use std::time::Instant;
fn main() {
    let mut s = 12345u64;
    let mut rnd = || { s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); ((s >> 33) % 19) as f64 - 9.0 };
    let ks: Vec<Vec<f64>> = (0..200).map(|_| (0..25).map(|_| rnd()).collect()).collect();
    let t = Instant::now();
    let best: Vec<(f64,usize,usize)> = ks.iter().map(|k| experiment(k, 99, 500, 1, 300)).collect();
    println!("500: {:?} per kernel; iterations/start {}", t.elapsed() / 200, best.iter().map(|b| b.2).sum::<usize>() as f64 / 100000.0);
    let mut rs: Vec<usize> = best.iter().map(|b| b.1).collect(); rs.sort();
    println!("reached of 500: {:?}", &rs[..40]);
    for (starts, draws, its) in [(20,1,100),(40,1,100),(40,4,100),(40,10,100),(40,30,100),(60,1,100),(60,10,100)] {
        let t = Instant::now();
        let r: Vec<(f64,usize,usize)> = ks.iter().map(|k| experiment(k, 7, starts, draws, its)).collect();
        let e = t.elapsed() / 200;
        let ok = r.iter().zip(&best).filter(|(a, b)| a.0 <= b.0 * (1.0 + 1e-9)).count();
        let better = r.iter().zip(&best).filter(|(a, b)| a.0 < b.0 * (1.0 - 1e-9)).count();
        println!("{starts} {draws} {its}: {ok}/200 better {better} {e:?} it/start {}", r.iter().map(|b| b.2).sum::<usize>() as f64 / 200.0 / starts as f64);
    }
}
