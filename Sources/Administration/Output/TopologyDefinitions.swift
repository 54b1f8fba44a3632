package import AMQP
package import Bulletins

extension Topology {
    /// The exchanges, queues and bindings in the format of RabbitMQ's definitions files.
    package func definitions(vhost: String) -> JSONObject {
        [
            "vhosts": [["name": .string(vhost)]],
            "exchanges": .array(exchanges.map { $0.definition(vhost) }),
            "queues": .array(queues.map { $0.definition(vhost) }),
            "bindings": .array(bindings.map { $0.definition(vhost) }),
        ]
    }
}

extension ExchangeDeclaration {
    fileprivate func definition(_ vhost: String) -> JSONValue {
        [
            "name": .string(name), "vhost": .string(vhost), "type": .string(type), "durable": .bool(durable),
            "auto_delete": false, "internal": false, "arguments": [:],
        ]
    }
}

extension QueueDeclaration {
    fileprivate func definition(_ vhost: String) -> JSONValue {
        [
            "name": .string(name), "vhost": .string(vhost), "durable": .bool(durable), "auto_delete": false,
            "arguments": json(arguments),
        ]
    }
}

extension BindingDeclaration {
    fileprivate func definition(_ vhost: String) -> JSONValue {
        let (type, name) =
            switch destination {
            case .queue(let name): ("queue", name)
            case .exchange(let name): ("exchange", name)
            }
        return [
            "source": .string(exchange), "vhost": .string(vhost), "destination": .string(name),
            "destination_type": .string(type), "routing_key": .string(routingKey), "arguments": json(arguments),
        ]
    }
}

private func json(_ arguments: [String: HeaderValue]) -> JSONValue {
    var object = JSONObject()
    for (name, value) in arguments.sorted(by: { $0.key < $1.key }) {
        switch value {
        case .integer(let number): object[name] = .integer(number)
        default: object[name] = .optional(value.text)
        }
    }
    return .object(object)
}
