import ArgumentParser
import Bulletins
import Runtime
import Storage

/// `websub`: who has feeds pushed.
struct WebSubCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "websub", abstract: "Shows who has feeds pushed by the hub.",
        subcommands: [List.self, Show.self, Remove.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the hub's subscriptions, newest first.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let found = try await CommandContext(options).store().hubSubscriptions(limit: listing.count)
            Output.rows(
                found, listing, header: ["ID", "STATE", "UNTIL", "PUSHED", "FAILING", "CODE", "TOPIC", "CALLBACK"]
            ) {
                $0.json
            } table: {
                [
                    "\($0.number)", $0.state, ($0.endedAt ?? $0.expiresAt).text, $0.pushedAt?.text ?? "-",
                    $0.failingSince?.text ?? "-", $0.code ?? "-", $0.topic, $0.callback,
                ]
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows a subscription with its pushes.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its number.") var id: Int64
        @Flag(help: "Prints a JSON line.") var json = false

        func run() async throws {
            guard let (row, attempts) = try await CommandContext(options).store().hubSubscription(id) else {
                throw WebSubCommand.unknown(id)
            }
            if json {
                var object = row.json
                object["attemptsMade"] = .array(attempts.map { .object($0.json) })
                return Output.jsonLine(object)
            }
            Output.line("subscription \(row.number): \(row.topic) to \(row.callback)\(row.isSigned ? ", signed" : "")")
            let end = row.endedAt.map { "ended \($0.text): \(row.why ?? "")" } ?? "until \(row.expiresAt.text)"
            Output.line("  \(row.state), \(end)\(row.dueAt.map { ", push due \($0.text)" } ?? "")")
            for attempt in attempts { Output.line("  \(attempt.line)") }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a subscription; its callback is told that it was denied.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its number.") var id: Int64

        func run() async throws {
            let store = try await CommandContext(options).store()
            guard try await store.deny(id, reason: "ended by the operator", now: WallClock.system.now) else {
                throw WebSubCommand.unknown(id)
            }
            Output.line("subscription \(id) has ended")
        }
    }

    private static func unknown(_ id: Int64) -> RefusedInput {
        RefusedInput("there is no such subscription \(id); list them with: kentongan websub list")
    }
}

extension HubSubscriptionRow {
    fileprivate var json: JSONObject {
        [
            "id": .integer(number), "callback": .string(callback), "topic": .string(topic), "state": .string(state),
            "signed": .bool(isSigned), "createdAt": .time(createdAt), "expiresAt": .time(expiresAt),
            "endedAt": .time(endedAt), "why": .optional(why), "attempts": .number(attempts), "dueAt": .time(dueAt),
            "pushedAt": .time(pushedAt), "failingSince": .time(failingSince), "code": .optional(code),
            "detail": .optional(detail),
        ]
    }
}
