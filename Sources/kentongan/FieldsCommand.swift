import ArgumentParser
import Bulletins

/// `fields`: the registry of fields.
struct FieldsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fields", abstract: "Shows the fields that bulletins may name.", subcommands: [List.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the fields.")

        @Flag(help: "Prints JSON Lines.") var json = false
        @Option(help: "How many at most.") var limit = 100
        @Flag(help: "Prints all.") var all = false

        func validate() throws {
            guard limit > 0 else { throw ValidationError("--limit must be at least 1") }
        }

        func run() throws {
            let entries = try DataFiles.fields().entries.prefix(all ? Int.max : limit)
            if json {
                entries.forEach(printJSON)
            } else {
                Output.table(entries.map { [$0.field.code, $0.nameID, $0.nameEN] })
            }
        }

        private func printJSON(_ entry: FieldRegistry.Entry) {
            Output.jsonLine([
                ("code", .string(entry.field.code)), ("nameId", .string(entry.nameID)),
                ("nameEn", .string(entry.nameEN)), ("parent", entry.field.parent.map { .string($0.code) } ?? .null),
            ])
        }
    }
}
