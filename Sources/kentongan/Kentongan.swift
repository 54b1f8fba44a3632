import ArgumentParser
import Bulletins

/// The commands. So far those that need neither a store nor a broker.
@main
struct Kentongan: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kentongan",
        abstract: "Disseminates announcements and proposals by region and field.",
        subcommands: [RegionsCommand.self, FieldsCommand.self])

    /// Exit codes of the contract: 64 for wrong usage, 78 for what is wrong with the configuration.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as DataFileError {
            Output.fail(error, code: 78)
        } catch let error as RegistryError {
            Output.fail(error, code: 78)
        } catch {
            exit(withError: error)
        }
    }
}
