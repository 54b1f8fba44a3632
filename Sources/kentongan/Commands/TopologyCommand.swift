import AMQP
import ArgumentParser
import Bulletins
import Intake
import Worker

/// `topology`: the exchanges and queues of the contract.
struct TopologyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology", abstract: "Declares or compares the exchanges and queues.",
        subcommands: [Apply.self, Check.self, Export.self])

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Declares what is missing.")

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
            abstract: "Says what is missing or differs.",
            discussion:
                "AMQP cannot list bindings. A probe, which intake drops, shows whether each kind of message reaches a queue; it does not show which one, nor what a policy of the broker changes."
        )

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

extension Topology {
    /// In the format of RabbitMQ's definitions files.
    fileprivate func definitions(vhost: String) -> JSONObject {
        [
            "vhosts": [["name": .string(vhost)]],
            "exchanges": .array(
                exchanges.map {
                    [
                        "name": .string($0.name), "vhost": .string(vhost), "type": .string($0.type),
                        "durable": .bool($0.durable), "auto_delete": false, "internal": false, "arguments": [:],
                    ]
                }),
            "queues": .array(
                queues.map {
                    [
                        "name": .string($0.name), "vhost": .string(vhost), "durable": .bool($0.durable),
                        "auto_delete": false, "arguments": Self.json($0.arguments),
                    ]
                }),
            "bindings": .array(
                bindings.map { binding in
                    let (type, name) = Self.destination(binding)
                    return [
                        "source": .string(binding.exchange), "vhost": .string(vhost), "destination": .string(name),
                        "destination_type": .string(type), "routing_key": .string(binding.routingKey),
                        "arguments": Self.json(binding.arguments),
                    ]
                }),
        ]
    }

    private static func destination(_ binding: BindingDeclaration) -> (type: String, name: String) {
        switch binding.destination {
        case .queue(let name): ("queue", name)
        case .exchange(let name): ("exchange", name)
        }
    }

    private static func json(_ arguments: [String: HeaderValue]) -> JSONValue {
        var object = JSONObject()
        for (name, value) in arguments.sorted(by: { $0.key < $1.key }) {
            switch value {
            case .integer(let number): object[name] = .integer(number)
            default: object[name] = .optional(value.text)
            }
        }
        return .object(object)
    }
}
