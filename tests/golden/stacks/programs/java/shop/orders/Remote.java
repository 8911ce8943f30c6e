package shop.orders;

import java.lang.reflect.Proxy;
import java.util.function.IntConsumer;

/** Wrappers, and what goes wrong inside of them. */
public class Remote {
    static class OrderException extends RuntimeException {
        OrderException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    static class Connection implements AutoCloseable {
        @Override
        public void close() {
            throw new IllegalStateException("closed twice");
        }
    }

    public interface Service {
        void call(int number);
    }

    static void charge(int number) {
        throw new IllegalStateException("card 4000-" + number + " was declined");
    }

    static void reserve(int number) {
        throw new IllegalStateException("no stock for order " + number);
    }

    static void withRetry(IntConsumer action, int number) {
        for (int attempt = 0; ; attempt++) {
            try {
                action.accept(number);
                return;
            } catch (RuntimeException error) {
                if (attempt == 1) throw error;
            }
        }
    }

    static void wrapped(IntConsumer action, int number) {
        try {
            action.accept(number);
        } catch (RuntimeException error) {
            throw new OrderException("order " + number + " failed\n\tsee above", error);
        }
    }

    static void closing(int number) {
        try (Connection connection = new Connection()) {
            reserve(number);
        }
    }

    static Service proxied(IntConsumer action) {
        return (Service) Proxy.newProxyInstance(Remote.class.getClassLoader(), new Class<?>[] {Service.class},
            (proxy, method, arguments) -> {
                action.accept((Integer) arguments[0]);
                return null;
            });
    }
}
