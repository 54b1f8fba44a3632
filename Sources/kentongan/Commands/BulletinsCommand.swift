import ArgumentParser
import Bulletins
import Storage

/// `bulletins`: what was taken in, and how far it got.
struct BulletinsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bulletins", abstract: "Shows what was taken in, and how far it got.",
        subcommands: [List.self, Show.self, Approve.self, Reject.self, Withdraw.self, Coverage.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists bulletins, newest first, a row for each revision.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let found = try await CommandContext(options).store().bulletins(id: nil, limit: listing.count)
            Output.rows(found, listing, header: ["BULLETIN", "REV", "STATE", "URGENCY", "DELIVERIES", "TITLE"]) {
                $0.json
            } table: {
                [
                    $0.stored.id.description, "\($0.stored.revision)", $0.stored.state.rawValue, $0.urgency.rawValue,
                    $0.total.map { "\($1) \($0)" }.joined(separator: ", "), String($0.title.prefix(60)),
                ]
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a bulletin's revisions with their deliveries by channel, and the thread it belongs to.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "PUBLISHER/ID") var id: String
        @Flag(help: "Prints JSON Lines.") var json = false

        func run() async throws {
            let store = try await CommandContext(options).store()
            let revisions = try await store.revisions(of: id)
            let rows = revisions.map { ("revision", $0) } + (try await thread(of: revisions[0], store))
            for (relation, row) in rows {
                if json { printJSON(relation, row) } else { printText(relation, row) }
            }
        }

        /// What belongs to it: a proposal's answers, newest first; of an answer, the proposal.
        private func thread(of newest: BulletinRow, _ store: any Store) async throws -> [(String, BulletinRow)] {
            let answers = try await store.answers(to: newest.stored.id).map { ("answer", $0) }
            guard let proposal = try newest.stored.bulletin().inReplyTo else { return answers }
            return answers + (try await store.bulletins(id: proposal, limit: 1)).map { ("proposal", $0) }
        }

        private func printJSON(_ relation: String, _ row: BulletinRow) {
            var object = row.json
            object["relation"] = .string(relation)
            object["byChannel"] = .object(row.byChannel)
            object["bulletin"] = (try? JSONParser.parse(row.stored.payload)) ?? .null
            Output.jsonLine(object)
        }

        private func printText(_ relation: String, _ row: BulletinRow) {
            let mark = relation == "revision" ? "" : "\(relation): "
            Output.line("\(mark)\(row.stored.id) revision \(row.stored.revision): \(row.stored.state.rawValue)")
            Output.line("  \(row.title)")
            Output.line(
                "  regions \(row.regions.joined(separator: ", ")); fields \(row.fields.joined(separator: ", ")); \(row.urgency.rawValue)"
            )
            if let proposal = row.proposal {
                Output.line(
                    "  proposal: " + [proposal.state, proposal.stage].compactMap(\.self).joined(separator: ", "))
            }
            for (channel, states) in row.deliveries.sorted(by: { $0.key < $1.key }) {
                Output.line(
                    "  \(channel): " + states.sorted { $0.key < $1.key }.map { "\($1) \($0)" }.joined(separator: ", "))
            }
        }
    }
}

extension BulletinRow {
    /// Deliveries by state, over all channels.
    fileprivate var total: [(String, Int)] {
        deliveries.values.reduce(into: [String: Int]()) { $0.merge($1, uniquingKeysWith: +) }.sorted { $0.key < $1.key }
    }

    fileprivate var byChannel: JSONObject {
        var object = JSONObject()
        for (channel, states) in deliveries.sorted(by: { $0.key < $1.key }) {
            object[channel] = .object(Self.counts(states.sorted { $0.key < $1.key }))
        }
        return object
    }

    private static func counts(_ counts: [(String, Int)]) -> JSONObject {
        var object = JSONObject()
        for (state, count) in counts { object[state] = .number(count) }
        return object
    }

    fileprivate var json: JSONObject {
        var object = facts
        object.set("proposalState", proposal?.state)
        object.set("proposalStage", proposal?.stage)
        return object
    }

    private var facts: JSONObject {
        [
            "id": .string(stored.id.description), "publisher": .string(stored.id.publisher),
            "bulletinId": .string(stored.id.id),
            "revision": .integer(stored.revision), "kind": .string(stored.kind.rawValue), "title": .string(title),
            "urgency": .string(urgency.rawValue), "state": .string(stored.state.rawValue), "regions": .texts(regions),
            "fields": .texts(fields), "receivedAt": .time(stored.receivedAt), "issuedAt": .time(issuedAt),
            "publishAt": .time(publishAt), "expiresAt": .time(expiresAt), "deliveries": .object(Self.counts(total)),
        ]
    }
}
