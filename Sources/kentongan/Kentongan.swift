import ArgumentParser
import Observability
@preconcurrency import Glibc
import Worker

/// The commands. Each parses its arguments, calls an operation of `Administration`, and prints the result.
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
        // Each line is written when it is complete, into a pipe too, so that a reader sees it when it happens.
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
                // The name of a group was given without a command of it.
                throw ValidationError("a command is missing")
            }
        } catch {
            ExitCodes.exit(error)
        }
    }
}
