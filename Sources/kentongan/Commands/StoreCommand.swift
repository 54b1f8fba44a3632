import ArgumentParser
import Storage
import Worker

/// `store`: looks after the store.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Looks after the store.", subcommands: [Migrate.self])

    struct Migrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes the store, or brings it up to date.")

        @OptionGroup var options: CommonOptions

        func run() async throws {
            let context = try await CommandContext(options)
            _ = try await context.store().identity()
            Output.line("\(context.settings.storePath) is up to date")
        }
    }
}
