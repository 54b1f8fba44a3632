import Administration
import ArgumentParser
import Bulletins
import Storage

/// `suppressions`: email addresses that get nothing, whatever is subscribed for them.
struct SuppressionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suppressions", abstract: "Keeps the email addresses that get nothing.",
        subcommands: [List.self, Add.self, Remove.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists suppressed addresses.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let subscribers = SubscriberOperations(.operator, store: try await CommandContext(options).store())
            var rows = Listing<Suppression>(
                isJSON: listing.json, header: ["SINCE", "UNTIL", "ADDRESS", "WHY"],
                cells: { [$0.since.text, $0.until?.text ?? "for good", $0.address, $0.why] }, json: \.json)
            try await rows.print(listing, read: subscribers.suppressions)
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Suppresses an address immediately.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "An email address.") var address: String
        @Option(help: "The reason, for those who read the list.") var why = "by the operator"

        func run() async throws {
            let subscribers = SubscriberOperations(.operator, store: try await CommandContext(options).store())
            Output.line("\(try await subscribers.suppress(address, why: why)) gets nothing from now on")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lets an address have mail again.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "An email address.") var address: String

        func run() async throws {
            let subscribers = SubscriberOperations(.operator, store: try await CommandContext(options).store())
            Output.line("\(try await subscribers.unsuppress(address)) may have mail again")
        }
    }
}

/// `subscribers`: the owners of addresses.
struct SubscribersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscribers", abstract: "Looks after who receives.", subcommands: [Erase.self])

    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends all subscriptions of an address, and forgets it but for a keyed hash.",
            discussion: "An address that is suppressed stays so.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "An email address, a webhook's URL or a feed's name.") var address: String

        func run() async throws {
            let subscribers = SubscriberOperations(.operator, store: try await CommandContext(options).store())
            let isDone = try await subscribers.erase(address)
            Output.line(
                isDone
                    ? "\(address) is forgotten; nothing is sent to it"
                    : "nothing is sent to \(address); the store's log has traces of it while a program reads an old state; the worker goes on until they are gone"
            )
        }
    }
}
