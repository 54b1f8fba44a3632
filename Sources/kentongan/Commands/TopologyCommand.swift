import AMQP
import ArgumentParser
import Intake
import Worker

/// `topology`: the exchanges and queues of the contract.
struct TopologyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology", abstract: "Declares or compares the exchanges and queues.",
        subcommands: [Apply.self, Check.self])

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Declares what is missing.")

        @OptionGroup var options: CommonOptions

        func run() async throws {
            let context = try await CommandContext(options)
            let topology = KentonganTopology.topology
            try await apply(topology, on: try context.settings.requireBroker(), logger: context.logger)
            print(
                "\(topology.exchanges.count) exchanges, \(topology.queues.count) queues and \(topology.bindings.count) bindings are there"
            )
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says what is missing or differs; bindings cannot be seen.")

        @OptionGroup var options: CommonOptions

        func run() async throws {
            let context = try await CommandContext(options)
            let differences = try await check(
                KentonganTopology.topology, on: try context.settings.requireBroker(), logger: context.logger)
            for difference in differences { print(difference) }
            if !differences.isEmpty { throw ExitCode.failure }
            print("all is there as it should be")
        }
    }
}
