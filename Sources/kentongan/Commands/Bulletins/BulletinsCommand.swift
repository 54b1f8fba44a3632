import Administration
import ArgumentParser
import Bulletins
import Storage

/// `bulletins`: the bulletins that were taken in, and their progress.
struct BulletinsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bulletins", abstract: "Shows the bulletins that were taken in, and how far they got.",
        subcommands: [List.self, Show.self, Approve.self, Reject.self, Withdraw.self, Coverage.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists bulletins, newest first, one row for each revision.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let bulletins = BulletinOperations(.operator, store: try await CommandContext(options).store())
            var rows = Listing<BulletinRow>(
                isJSON: listing.json, header: ["BULLETIN", "REV", "STATE", "URGENCY", "DELIVERIES", "TITLE"],
                cells: Self.cells, json: \.json)
            try await rows.print(listing, read: bulletins.list)
        }

        private static func cells(_ row: BulletinRow) -> [String] {
            [
                row.stored.id.description, "\(row.stored.revision)", row.stored.state.rawValue, row.urgency.rawValue,
                sentence(row.deliveriesByState), String(row.title.prefix(60)),
            ]
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a bulletin's revisions with their deliveries by channel, and the thread it belongs to.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "PUBLISHER/ID") var id: String
        @Flag(help: "Prints JSON Lines.") var json = false

        func run() async throws {
            let bulletins = BulletinOperations(.operator, store: try await CommandContext(options).store())
            for view in try await bulletins.show(try BulletinID(typed: id)) {
                if json { Output.jsonLine(view.json) } else { printText(view) }
            }
        }

        private func printText(_ view: BulletinView) {
            let (row, stored) = (view.row, view.row.stored)
            let prefix = view.relation == .revision ? "" : "\(view.relation): "
            let (regions, fields) = (row.regions.joined(separator: ", "), row.fields.joined(separator: ", "))
            Output.line("\(prefix)\(stored.id) revision \(stored.revision): \(stored.state.rawValue)")
            Output.line("  \(row.title)")
            Output.line("  regions \(regions); fields \(fields); \(row.urgency.rawValue)")
            if let proposal = row.proposal {
                Output.line(
                    "  proposal: " + [proposal.state, proposal.stage].compactMap(\.self).joined(separator: ", "))
            }
            for (channel, states) in row.deliveriesByChannel { Output.line("  \(channel): \(sentence(states))") }
        }
    }
}
