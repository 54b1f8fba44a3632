import AMQP
import Administration
import ArgumentParser
import Bulletins
import Intake
import Worker

/// `topology`: the exchanges, queues and bindings of the contract.
struct TopologyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology", abstract: "Declares or compares the exchanges and queues.",
        subcommands: [Apply.self, Check.self, Export.self])

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Declares the exchanges and queues that are missing.")

        @OptionGroup var options: CommonOptions

        func run() async throws {
            let context = try await CommandContext(options)
            let topology = KentonganTopology.topology
            try await topology.declare(on: try context.settings.broker.required(), logger: context.logger)
            Output.line(
                "\(topology.exchanges.count) exchanges, \(topology.queues.count) queues and \(topology.bindings.count) bindings are there"
            )
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Names the exchanges and queues that are missing or differ.",
            discussion: """
                AMQP cannot list bindings. A probe, which intake drops, shows whether each kind of message reaches a queue; \
                it does not show which one, nor what a policy of the broker changes.
                """)

        @OptionGroup var options: CommonOptions

        func run() async throws {
            let context = try await CommandContext(options)
            let broker = try context.settings.broker.required()
            var differences = try await KentonganTopology.topology.differences(on: broker, logger: context.logger)
            differences += try await BindingProbe(broker: broker, logger: context.logger).missing(besides: differences)
            for difference in differences { Output.line("\(difference)") }
            if !differences.isEmpty { throw ExitCode.failure }
            Output.line("all is there as it should be")
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints them as RabbitMQ definitions, for: rabbitmqctl import_definitions FILE")

        @Option(help: "The virtual host that they belong to.") var vhost = "/"

        func run() { Output.jsonLine(KentonganTopology.topology.definitions(vhost: vhost)) }
    }
}
