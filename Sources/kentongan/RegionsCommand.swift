import ArgumentParser
import Bulletins

/// `regions`: looks regions up.
struct RegionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "regions", abstract: "Looks regions up.", subcommands: [Search.self])

    struct Search: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Finds regions by words of their name, or by code.")

        @Argument(help: "Words of the name, or a code.") var text: [String]
        @Flag(help: "Prints JSON Lines.") var json = false
        @Option(help: "How many at most.") var limit = 100
        @Flag(help: "Prints all that match.") var all = false

        func validate() throws {
            guard limit > 0 else { throw ValidationError("--limit must be at least 1") }
        }

        func run() throws {
            let tree = try DataFiles.regions()
            let found = tree.search(text.joined(separator: " "), limit: all ? Int.max : limit)
            json ? found.forEach { printJSON($0, tree) } : printTable(found, tree)
        }

        private func printJSON(_ region: Region, _ tree: RegionTree) {
            Output.jsonLine([
                ("code", .string(region.code)), ("name", .string(tree.name(of: region) ?? "")),
                ("level", .integer(Int64(region.level.rawValue))), ("path", .string(tree.fullName(of: region))),
            ])
        }

        private func printTable(_ found: [Region], _ tree: RegionTree) {
            Output.table(found.map { [$0.code, tree.fullName(of: $0)] })
        }
    }
}
