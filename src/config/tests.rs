use super::*;
use std::path::Path;

#[test]
fn shipped_files_are_good() {
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("gengfu.yaml");
    let sources = Sources::read(&main).unwrap();
    let now = Timestamp(1_795_392_000_000);
    let mut options = LoadOptions::new(now, HashMap::new(), Arc::new(Heartbeats::new(now)));
    options.system_roots = SystemRoots::Skip;
    match load(&sources, &options) {
        Err(problems) => panic!("{}", render(&problems, &sources, Style::Plain)),
        Ok(loaded) => {
            eprintln!("{}", render(&loaded.warnings, &sources, Style::Plain));
            assert_eq!((loaded.inventory.owners.len(), loaded.inventory.subsystems.len()), (80, 250));
        }
    }
}
