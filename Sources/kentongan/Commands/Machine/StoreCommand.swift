import Administration
import ArgumentParser
import Bulletins
import Runtime
import Worker

/// `store`: the store's files.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Looks after the store.", subcommands: [Migrate.self, Clock.self])

    struct Clock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tells whether retention holds because the clock went far ahead.",
            discussion: """
                After a jump of the clock by more than a day, or when no worker ran for as long, retention removes nothing \
                for 24 hours, since it cannot know which clock was right. --trust ends that.
                """)

        @OptionGroup var options: CommonOptions
        @Flag(help: "Takes the present time for right, and ends the hold.") var trust = false

        func run() async throws {
            let store = try await CommandContext(options).store()
            let operations = StoreOperations(.operator)
            if trust { try await operations.trustClock(store) }
            let (now, hold) = try await operations.retentionHold(store)
            let hours = hold.map { max(1, Int(($0 / .seconds(3600)).rounded())) }
            Output.line(
                "the clock shows \(now.text); "
                    + (hours.map { "retention removes nothing for \($0) h more" } ?? "retention goes by it"))
        }
    }

    struct Migrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes the store, or brings it up to date.")

        @OptionGroup var options: CommonOptions

        func run() async throws {
            let context = try await CommandContext(options)
            try await StoreOperations(.operator).migrate { try context.store(mayBeNew: true) }
            Output.line("\(context.settings.store.path) is up to date")
        }
    }
}
