import ArgumentParser
import Bulletins
import Runtime
import Storage

/// `deliveries`: what goes to whom, and how it stands.
struct DeliveriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries", abstract: "Shows what goes to whom, and how it stands.",
        subcommands: [List.self, Show.self, Retry.self, Summary.self])

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
                filter.bulletin = try BulletinID(typed: bulletin)
            }
            if let state {
                guard let known = DeliveryState(rawValue: state) else {
                    throw RefusedInput(
                        "\(state) is no state; it is one of \(DeliveryState.allCases.map(\.rawValue).joined(separator: ", "))"
                    )
                }
                filter.state = known
            }
            let store = try await CommandContext(options).store()
            if let bulletin { _ = try await store.newestRevision(of: bulletin) }
            let found = try await store.deliveries(filter, limit: listing.count)
            Self.print(found, listing)
        }

        static func print(_ rows: [DeliveryRow], _ listing: ListingOptions) {
            Output.rows(
                rows, listing, header: ["ID", "BULLETIN", "REV", "CHANNEL", "STATE", "TRIES", "CODE", "ENDPOINT"]
            ) {
                $0.json
            } table: {
                [
                    "\($0.number)", $0.bulletin.description, "\($0.revision)", $0.channel, $0.state.rawValue,
                    "\($0.attempts)", $0.code ?? "-", $0.address,
                ]
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a delivery with its attempts, and what came back of its mail.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its number.") var id: Int64
        @Flag(help: "Prints a JSON line.") var json = false

        func run() async throws {
            let store = try await CommandContext(options).store()
            guard let (row, attempts) = try await store.delivery(id) else {
                throw RefusedInput("there is no delivery \(id); list them with: kentongan deliveries list")
            }
            let bounces = try await store.bounces(of: id)
            if json {
                var object = row.json
                object["attemptsMade"] = .array(attempts.map { .object($0.json) })
                object["bounces"] = .array(bounces.map { .object($0.json) })
                return Output.jsonLine(object)
            }
            Output.line(
                "delivery \(row.number): \(row.bulletin) revision \(row.revision) to \(row.address) by \(row.channel)")
            Output.line("  \(row.state.rawValue)\(row.dueAt.map { ", due \($0.text)" } ?? "")")
            for attempt in attempts { Output.line("  \(attempt.line)") }
            for row in bounces {
                let rest = [row.bounce.status, row.bounce.detail].compactMap(\.self).joined(separator: " ")
                Output.line("  came back \(row.receivedAt.text): \(row.bounce.kind.rawValue) \(rest)")
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Has deliveries that failed tried again, with a fresh schedule.",
            discussion: """
                By number, or all that --bulletin, --endpoint, --since and --until name. With --state delivered a webhook \
                is sent again what it has lost, under the same webhook-id.
                """)

        @OptionGroup var options: CommonOptions
        @Argument(help: "Numbers of deliveries.") var ids: [Int64] = []
        @Option(help: "Only those of PUBLISHER/ID.") var bulletin: String?
        @Option(help: "Only those to this address.") var endpoint: String?
        @Option(help: "Only those that ended at this time (RFC 3339) or later.") var since: String?
        @Option(help: "Only those that ended before this time (RFC 3339).") var until: String?
        @Option(help: "failed, bounced or suppressed; delivered for webhooks.") var state: String?
        @Flag(help: "Prints JSON Lines.") var json = false

        func validate() throws {
            guard !ids.isEmpty || [bulletin, endpoint, since, until, state].contains(where: { $0 != nil }) else {
                throw ValidationError("name deliveries, or --bulletin, --endpoint, --since, --until or --state")
            }
        }

        private static let batch = 500

        func run() async throws {
            let store = try await CommandContext(options).store()
            let selection = try selection()
            if let bulletin { _ = try await store.newestRevision(of: bulletin) }
            if let refusal = try await store.retryRefusals(selection, now: WallClock.system.now).first {
                throw RefusedInput("delivery \(refusal.number) is not tried again: \(refusal.reason)")
            }
            var listing = ListingOptions()
            (listing.json, listing.limit, listing.all) = (json, 100, true)
            var (after, made): (Int64, [DeliveryRow]) = (0, [])
            repeat {
                made = try await store.retry(selection, after: after, limit: Self.batch, now: WallClock.system.now)
                if !made.isEmpty { List.print(made, listing) }
                if after == 0, made.isEmpty { throw RefusedInput("there is nothing to try again") }
                after = made.last?.number ?? after
                // Fewer than a batch come also where some of it changed meanwhile.
            } while !made.isEmpty
        }

        private func selection() throws -> RetrySelection {
            var selection = RetrySelection()
            if !ids.isEmpty { selection.numbers = ids }
            selection.bulletin = try bulletin.map { try BulletinID(typed: $0) }
            selection.address = endpoint
            (selection.since, selection.until) = (try since.map(time), try until.map(time))
            if let state {
                guard let known = DeliveryState(rawValue: state),
                    [.failed, .bounced, .suppressed, .delivered].contains(known)
                else {
                    throw RefusedInput(
                        "\(state) is not tried again; --state is one of failed, bounced, suppressed, delivered")
                }
                selection.state = known
            }
            return selection
        }

        private func time(_ text: String) throws -> Timestamp {
            guard let time = Timestamp(text) else {
                throw RefusedInput("\(text) is no time; write it like 2026-12-01T08:00:00+07:00")
            }
            return time
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
            "digestAt": .time(digestAt),
            "code": .optional(code),
            "detail": .optional(detail), "subscription": .integer(subscription), "region": .string(region.code),
            "field": .string(field),
        ]
    }
}

extension BounceRow {
    fileprivate var json: JSONObject {
        [
            "receivedAt": .time(receivedAt), "kind": .string(bounce.kind.rawValue),
            "status": .optional(bounce.status), "detail": .optional(bounce.detail),
        ]
    }
}

extension AttemptRow {
    /// For people.
    var line: String {
        let rest = [code, detail].compactMap(\.self).joined(separator: " ")
        return "\(number). \(startedAt.text) \(outcome) in \(duration) ms \(rest)"
    }

    var json: JSONObject {
        [
            "number": .number(number), "startedAt": .time(startedAt), "durationMs": .integer(duration),
            "outcome": .string(outcome), "code": .optional(code), "detail": .optional(detail),
        ]
    }
}
