//! Prints the error of each method on 256 × 256 Gaussian pictures with a 1/f² spectrum, and what the paper's settings
//! cost: `cargo run --release -p rwt-tables --bin errors`. `errors csv METHOD N` prints a plan instead.

use rwt_core::recipes::{self, Temperature, paper::Paper};
use rwt_core::{Error, Step, Walk};
use rwt_tables::{METHODS, SIDE, VARIANCE, rows, spectrum_error};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            table()?;
            paper()?;
            rwt_tables::conditional::print()?;
        }
        ["csv", name, count] => plan(name, count.parse()?)?,
        _ => {
            let names: Vec<_> = METHODS.iter().map(|method| method.0).collect();
            println!("usage: errors | errors csv METHOD EVALUATIONS\nmethods: {}", names.join("; "));
        }
    }
    Ok(())
}

/// Errors by the number of evaluations.
fn table() -> Result<(), Error> {
    println!(
        "Root mean square relative error of the spectrum's amplitude at the frequencies 1 to {}, in closed form;",
        SIDE / 2
    );
    println!("{SIDE} x {SIDE} pixels of variance {VARIANCE}, geometric levels from 157 to 0.01.\n");
    let counts = [10, 20, 50, 100, 200, 1000];
    print!("{:40}", "evaluations");
    counts.iter().for_each(|n| print!("{n:>9}"));
    println!();
    for (name, method) in METHODS {
        print!("{name:40}");
        for n in counts {
            print!("{:>9.4}", spectrum_error(&method(n)?));
        }
        println!();
    }
    Ok(())
}

/// The paper's settings as they are, with each quirk repaired in turn, and our rule with as many evaluations.
fn paper() -> Result<(), Error> {
    println!("\nThe paper's unconditional settings, and what each difference costs:\n");
    let names = ["as published", "start at s0 n", "and end x = D", "and T keeps the marginals", "default, 2M"];
    print!("{:40}", "");
    names.iter().for_each(|name| print!("{name:>27}"));
    println!();
    for (name, setting) in [
        ("VP, its own table, 1000 steps", Paper::VP_PRETRAINED),
        ("VP, sigmoid, 100 steps", Paper::VP_SIGMOID),
        ("VE, geometric, 1000 steps", Paper::VE_GEOMETRIC),
    ] {
        print!("{name:40}");
        for error in costs(&setting)? {
            print!("{error:>27.4}");
        }
        println!();
    }
    Ok(())
}

fn costs(setting: &Paper) -> Result<[f64; 5], Error> {
    let mut levels = vec![0.0; setting.steps];
    setting.levels(&mut levels)?;
    let published = rows(&levels, |l, r| setting.rows(l, r))?;
    let mut started = published.clone();
    started[0] = Step::start(levels[0]);
    let mut ended = started.clone();
    ended[setting.steps] = Step::end(levels[setting.steps - 1]);
    let marginal = Temperature::MarginalPreserving;
    let kept = rows(&levels, |l, r| recipes::simple(l, setting.epsilon, marginal, r))?;
    let default = rows(&levels, |l, r| recipes::multistep(l, 0.25, r))?;
    Ok([published, started, ended, kept, default].map(|rows| spectrum_error(&rows)))
}

/// A plan as comma-separated values.
fn plan(name: &str, count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let (_, method) = METHODS.iter().find(|method| method.0 == name).ok_or(format!("no method is called {name}"))?;
    if count < 3 {
        return Err(format!("a plan needs at least 3 evaluations, found {count}").into());
    }
    print!("{}", Walk::new(&method(count)?)?.table(None).csv());
    Ok(())
}
