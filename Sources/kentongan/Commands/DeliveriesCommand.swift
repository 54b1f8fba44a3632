import ArgumentParser
import Bulletins
import Storage

/// `deliveries`: what goes to whom, and how it stands.
struct DeliveriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries", abstract: "Shows what goes to whom, and how it stands.",
        subcommands: [List.self, Summary.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists deliveries, newest first.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions
        @Option(help: "Only those of PUBLISHER/ID.") var bulletin: String?
        @Option(help: "Only those in this state.") var state: String?
        @Option(help: "Only those to this address.") var endpoint: String?

        func run() async throws {
            var filter = DeliveryFilter(address: endpoint)
            if let bulletin {
                guard let id = BulletinID(bulletin) else { throw RefusedInput("\(bulletin) is not PUBLISHER/ID") }
                filter.bulletin = id
            }
            if let state {
                guard let known = DeliveryState(rawValue: state) else {
                    throw RefusedInput(
                        "\(state) is no state; it is one of \(DeliveryState.allCases.map(\.rawValue).joined(separator: ", "))"
                    )
                }
                filter.state = known
            }
            let found = try await CommandContext(options).store().deliveries(filter, limit: listing.count)
            Output.rows(
                found, listing, header: ["ID", "BULLETIN", "REV", "CHANNEL", "STATE", "TRIES", "CODE", "ENDPOINT"]
            ) {
                $0.json
            } table: {
                [
                    "\($0.number)", $0.bulletin.description, "\($0.revision)", $0.channel, $0.state.rawValue,
                    "\($0.attempts)",
                    $0.code ?? "-", $0.address,
                ]
            }
        }
    }

    struct Summary: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Counts deliveries by channel and state.")

        @OptionGroup var options: CommonOptions
        @Flag(help: "Prints JSON Lines.") var json = false

        func run() async throws {
            let counts = try await CommandContext(options).store().deliverySummary()
            guard !json else {
                return counts.forEach {
                    Output.jsonLine([
                        "channel": .string($0.channel), "state": .string($0.state), "count": .number($0.count),
                    ])
                }
            }
            Output.table([["CHANNEL", "STATE", "COUNT"]] + counts.map { [$0.channel, $0.state, "\($0.count)"] })
        }
    }
}

extension DeliveryRow {
    fileprivate var json: JSONObject {
        [
            "id": .integer(number), "bulletin": .string(bulletin.description), "revision": .integer(revision),
            "channel": .string(channel), "endpoint": .string(address), "state": .string(state.rawValue),
            "attempts": .number(attempts), "dueAt": .time(dueAt), "finishedAt": .time(finishedAt),
            "code": .optional(code),
            "detail": .optional(detail), "subscription": .integer(subscription), "region": .string(region.code),
            "field": .string(field),
        ]
    }
}
