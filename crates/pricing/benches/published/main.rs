//! The published benchmark of multi-item fulfilment, as a section of docs/benchmarks.md.
//!
//! `cargo bench -p omnifold-pricing --bench published [-- INSTANCES SEQUENCES SEED]`

mod instance;
mod linear;
mod policies;

use instance::{ARRIVALS, Instance, Random};
use omnifold_pricing::{Settings, Solver};
use policies::{Outcome, Policy, play};

/// What is compared: policy, whether it must serve, and what is known of it.
const COMPARED: [(&str, Policy, bool, &str); 9] = [
    ("nearest", Policy::Nearest, false, "1.135"),
    ("cheapest plan, no prices", Policy::Myopic, false, "1.083"),
    ("prices solved 10 times", Policy::Priced { solves: 10 }, false, "1.020"),
    ("prices solved 50 times", Policy::Priced { solves: 50 }, false, ""),
    ("prices solved 100 times", Policy::Priced { solves: 100 }, false, ""),
    ("prices solved 200 times", Policy::Priced { solves: 200 }, false, ""),
    ("must serve: cheapest plan, no prices", Policy::Myopic, true, ""),
    ("must serve: prices solved 50 times", Policy::Priced { solves: 50 }, true, ""),
    ("must serve: prices solved 100 times", Policy::Priced { solves: 100 }, true, ""),
];

/// The published dilation of the best rounding of the linear program, for the table.
const BEST_DILATION: &str = "1.077";

/// Sums over all instances and sequences.
#[derive(Default)]
struct Sums {
    ratio: f64,
    /// Of the means of the instances: their spread is the error of the mean.
    squares: f64,
    outcome: Outcome,
}

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let number = |place: usize, default: u64| numbers.get(place).copied().unwrap_or(default);
    let (instances, sequences, seed) = (number(0, 40), number(1, 5), number(2, 1));
    let mut sums: Vec<Sums> = COMPARED.iter().map(|_| Sums::default()).collect();
    let mut floor = 0.0;
    for part in 0..instances {
        floor += measure(part, sequences, seed, &mut sums);
        eprintln!("instance {} of {instances}", part + 1);
    }
    print!("{}", page(&sums, floor / instances as f64, instances, sequences, seed));
}

/// Plays the sequences of one instance by every policy. Returns its linear program over plans,
/// which no policy can beat, over the published one.
fn measure(part: u64, sequences: u64, seed: u64, sums: &mut [Sums]) -> f64 {
    let mut random = Random::of_part(seed, part);
    let instance = Instance::draw(&mut random);
    let bound = linear::published_bound(&instance);
    let mut solver = Solver::new(instance.problem());
    solver.solve_cold(&Settings::default());
    let mut sharp = solver.clone();
    let exact = Settings { temperature: 5e-4, barrier: 5e-3, steps: 100, rounds: 100 };
    let floor = sharp.solve_cold(&exact).bound / bound;
    let all: Vec<_> = (0..sequences).map(|_| instance.arrivals(&mut random)).collect();
    for (&(_, policy, must_serve, _), sums) in COMPARED.iter().zip(sums) {
        let mut total = 0.0;
        for arrivals in &all {
            let outcome = play(policy, must_serve, &instance, &solver, arrivals);
            total += outcome.cost as f64 / bound;
            sums.outcome.unserved += outcome.unserved;
            sums.outcome.deciding += outcome.deciding;
            sums.outcome.solving += outcome.solving;
        }
        let mean = total / sequences as f64;
        sums.ratio += mean;
        sums.squares += mean * mean;
    }
    floor
}

fn page(sums: &[Sums], floor: f64, instances: u64, sequences: u64, seed: u64) -> String {
    let mut page = format!(
        "\n## Looking ahead by shadow prices\n\n\
         The published benchmark of multi-item fulfilment (Jasin and Sinha; Ma's instances): 5 centres,\n\
         10 cities, 20 items, {ARRIVALS} arrivals; {instances} random instances, {sequences} sequences \
         each, seed {seed}.\n\
         Cost over the value of the published linear program, mean and standard error over instances.\n\
         The linear program over whole plans is {floor:.4} of it: no policy's expected cost is less. The\n\
         best published rounding reaches {BEST_DILATION}. A decision is the cheapest of all plans on \
         live stock, with\n\
         the prices in force charged; decisions are counted per second of processor time of one\n\
         thread, without and with the solves.\n\
         `cargo bench -p omnifold-pricing --bench published`\n\n\
         | policy | cost / bound | error | known | units unserved | decisions/s | with solves \
         | ms a solve |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n"
    );
    for (&(name, policy, _, known), sums) in COMPARED.iter().zip(sums) {
        page.push_str(&row(name, policy, known, sums, instances, sequences));
    }
    page
}

fn row(
    name: &str,
    policy: Policy,
    known: &str,
    sums: &Sums,
    instances: u64,
    sequences: u64,
) -> String {
    let (count, runs) = (instances as f64, (instances * sequences) as f64);
    let mean = sums.ratio / count;
    let error = ((sums.squares / count - mean * mean).max(0.0) / count).sqrt();
    let decisions = runs * ARRIVALS as f64;
    let alone = decisions / sums.outcome.deciding.as_secs_f64();
    let both = decisions / (sums.outcome.deciding + sums.outcome.solving).as_secs_f64();
    let solve = match policy {
        Policy::Priced { solves } => {
            let each = sums.outcome.solving.as_secs_f64() / (runs * solves as f64);
            format!("{:.2}", each * 1_000.0)
        }
        _ => String::new(),
    };
    let unserved = sums.outcome.unserved as f64 / runs;
    format!(
        "| {name} | {mean:.4} | {error:.4} | {known} | {unserved:.0} | {alone:.0} | {both:.0} | {solve} |\n"
    )
}
