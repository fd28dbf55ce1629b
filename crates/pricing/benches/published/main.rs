//! The published benchmark of multi-item fulfilment, as a section of docs/benchmarks.md.
//!
//! `cargo bench -p omnifold-pricing --bench published [-- INSTANCES SEQUENCES SEED]`

mod instance;
mod linear;
mod policies;

use instance::{ARRIVALS, Instance, Random};
use omnifold_pricing::{Settings, Solver};
use policies::{Outcome, Policy, play};

/// Evenly, every so many arrivals.
const fn every(most: usize) -> Policy {
    Policy::Priced { share: 1.0, most }
}

/// Ever closer to the end, where little stock meets few orders.
const fn each_share(share: f64, most: usize) -> Policy {
    Policy::Priced { share, most }
}

/// What is compared: policy, whether it must serve, and what is known of it.
const COMPARED: [(&str, Policy, bool, &str); 7] = [
    ("nearest", Policy::Nearest, false, "1.135"),
    ("cheapest plan, no prices", Policy::Myopic, false, "1.083"),
    ("prices solved 10 times, evenly", every(1_000), false, "1.020"),
    ("prices solved 100 times, evenly", every(100), false, ""),
    ("prices solved at each tenth of what is to come", each_share(0.1, 400), false, ""),
    ("must serve: cheapest plan, no prices", Policy::Myopic, true, ""),
    ("must serve: prices solved at each tenth", each_share(0.1, 400), true, ""),
];

/// The published dilation of the best rounding of the linear program, for the table.
const BEST_DILATION: &str = "1.077";

/// Smoothing is for deciding, not for bounds.
const EXACT: Settings = Settings {
    temperature: 5e-4,
    barrier: 5e-3,
    spare: 0.0,
    tolerance: 1e-6,
    steps: 100,
    rounds: 100,
};

/// A mean over instances: their spread is its error.
#[derive(Default)]
struct Mean {
    sum: f64,
    squares: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.squares += value * value;
        self.count += 1.0;
    }

    fn value(&self) -> f64 {
        self.sum / self.count
    }

    fn error(&self) -> f64 {
        let spread = self.squares / self.count - self.value() * self.value();
        (spread.max(0.0) / self.count).sqrt()
    }
}

/// What was measured, over all instances and sequences.
#[derive(Default)]
struct Measured {
    /// The linear program over whole plans, of what is expected.
    expected: Mean,
    /// The same of what then came, sequence by sequence.
    hindsight: Mean,
    policies: [(Mean, Outcome); COMPARED.len()],
}

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let number = |place: usize, default: u64| numbers.get(place).copied().unwrap_or(default);
    let (instances, sequences, seed) = (number(0, 400), number(1, 5), number(2, 1));
    let mut measured = Measured::default();
    for part in 0..instances {
        measured.add(part, sequences, seed);
        eprintln!("instance {} of {instances}", part + 1);
    }
    print!("{}", measured.page(instances, sequences, seed));
}

impl Measured {
    /// Plays the sequences of one instance by every policy.
    fn add(&mut self, part: u64, sequences: u64, seed: u64) {
        let mut random = Random::of_part(seed, part);
        let instance = Instance::draw(&mut random);
        let published = linear::published_bound(&instance);
        let mut solver = Solver::new(instance.problem());
        solver.solve_cold(&Settings::default());
        let mut sharp = solver.clone();
        self.expected.add(sharp.solve_cold(&EXACT).bound / published);
        let all: Vec<_> = (0..sequences).map(|_| instance.arrivals(&mut random)).collect();
        let known = all.iter().map(|arrivals| hindsight(&mut sharp, arrivals) / published);
        self.hindsight.add(known.sum::<f64>() / sequences as f64);
        for (&(_, policy, must_serve, _), (mean, sums)) in COMPARED.iter().zip(&mut self.policies) {
            let mut total = 0.0;
            for arrivals in &all {
                let outcome = play(policy, must_serve, &instance, &solver, arrivals);
                total += outcome.cost as f64 / published;
                sums.add(&outcome);
            }
            mean.add(total / sequences as f64);
        }
    }

    fn page(&self, instances: u64, sequences: u64, seed: u64) -> String {
        let mut page = format!(
            "\n## Looking ahead by shadow prices\n\n\
             The published benchmark of multi-item fulfilment (Jasin and Sinha; Ma's instances): \
             5 centres,\n\
             10 cities, 20 items, {ARRIVALS} arrivals; {instances} random instances, {sequences} sequences \
             each, seed {seed}.\n\
             Cost over the value of the published linear program, mean and standard error over instances.\n\
             Instances differ far more than policies do: compare rows. `known`: on the instances of others,\n\
             where nobody can beat 1.014 and the best published rounding reaches {BEST_DILATION}.\n\n\
             A decision is the engine's own solver on live stock, with the prices in force charged. Prices\n\
             are solved for what is expected of the orders to come; how many these are is known, and \
             nothing\n\
             else. Decisions are counted per second of processor time of one thread, without and with\n\
             the solves.\n\
             `cargo bench -p omnifold-pricing --bench published`\n\n\
             | policy | cost / bound | error | known | units unserved | decisions/s | with solves \
             | solves | ms a solve |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        );
        page.push_str(&bound("no policy's expected cost is less", &self.expected));
        page.push_str(&bound("best plans with all orders known in hindsight", &self.hindsight));
        for (&(name, _, _, known), (mean, sums)) in COMPARED.iter().zip(&self.policies) {
            page.push_str(&row(name, known, mean, sums, (instances * sequences) as f64));
        }
        page
    }
}

/// The least that the orders of a sequence can cost, by the linear program over whole plans.
fn hindsight(solver: &mut Solver, arrivals: &[Option<u16>]) -> f64 {
    let classes = &mut solver.problem_mut().classes;
    classes.iter_mut().for_each(|class| class.orders = 0.0);
    arrivals.iter().flatten().for_each(|&class| classes[usize::from(class)].orders += 1.0);
    solver.solve(&EXACT).bound
}

fn bound(name: &str, mean: &Mean) -> String {
    format!("| {name} | {:.4} | {:.4} |  |  |  |  |  |  |\n", mean.value(), mean.error())
}

fn row(name: &str, known: &str, mean: &Mean, sums: &Outcome, runs: f64) -> String {
    let decisions = runs * ARRIVALS as f64;
    let alone = decisions / sums.deciding.as_secs_f64();
    let both = decisions / (sums.deciding + sums.solving).as_secs_f64();
    let (mut solves, mut each) = (String::new(), String::new());
    if sums.solves > 0 {
        solves = format!("{:.0}", sums.solves as f64 / runs);
        each = format!("{:.2}", sums.solving.as_secs_f64() * 1_000.0 / sums.solves as f64);
    }
    let unserved = sums.unserved as f64 / runs;
    format!(
        "| {name} | {:.4} | {:.4} | {known} | {unserved:.0} | {alone:.0} | {both:.0} | {solves} \
         | {each} |\n",
        mean.value(),
        mean.error()
    )
}
