import Addresses
import ArgumentParser
import Bulletins
import Runtime
import Storage

/// `suppressions`: addresses that get nothing, whoever subscribes them.
struct SuppressionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suppressions", abstract: "Keeps the email addresses that get nothing.",
        subcommands: [List.self, Add.self, Remove.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists suppressed addresses.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let found = try await CommandContext(options).store().suppressions(limit: listing.count)
            Output.rows(found, listing, header: ["SINCE", "UNTIL", "ADDRESS", "WHY"]) {
                [
                    "address": .string($0.address), "why": .string($0.why), "since": .time($0.since),
                    "until": .time($0.until),
                ]
            } table: {
                [$0.since.text, $0.until?.text ?? "for good", $0.address, $0.why]
            }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Suppresses an address at once.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "An email address.") var address: String
        @Option(help: "Why, for who reads the list.") var why = "by the operator"

        func run() async throws {
            let address = try TypedText.email(address)
            let why = try TypedText.reason(why)
            try await CommandContext(options).store().suppress(address, why: why, now: WallClock.system.now)
            Output.line("\(address) gets nothing from now on")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lets an address have mail again.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "An email address.") var address: String

        func run() async throws {
            let address = MailAddress.canonical(address)
            guard try await CommandContext(options).store().unsuppress(address) else {
                throw RefusedInput("\(address) is not suppressed; list them with: kentongan suppressions list")
            }
            Output.line("\(address) may have mail again")
        }
    }
}
