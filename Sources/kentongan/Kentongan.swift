import ArgumentParser
import Observability
@preconcurrency import Glibc
import Worker

/// The commands. Each parses its arguments, calls the library, and prints.
@main
struct Kentongan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kentongan",
        abstract: "Disseminates announcements and proposals by region and field.",
        version: Release.version,
        subcommands: [
            ServeCommand.self, CheckCommand.self, PublishCommand.self, BulletinsCommand.self, DeliveriesCommand.self,
            SubscriptionsCommand.self, SubscribersCommand.self, SuppressionsCommand.self, BounceCommand.self,
            PublishersCommand.self, RejectedCommand.self, WebSubCommand.self,
            RegionsCommand.self, FieldsCommand.self, StoreCommand.self, TopologyCommand.self, ListenCommand.self,
        ])

    static func main() async {
        // Whole lines at once, also into a pipe: who reads along sees what happened when it happened.
        setlinebuf(stdout)
        do {
            var command = try parseAsRoot()
            do {
                if var command = command as? any AsyncParsableCommand {
                    try await command.run()
                } else {
                    try command.run()
                }
            } catch is CleanExit where CommandLine.arguments.dropFirst().first != "help" {
                // A name that only groups commands was given, and none of them.
                throw ValidationError("a command is missing")
            }
        } catch {
            ExitCodes.exit(error)
        }
    }
}
