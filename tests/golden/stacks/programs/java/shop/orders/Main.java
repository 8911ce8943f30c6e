package shop.orders;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Prints for each thing that goes wrong its name, type, message and stack trace, each ended by a zero byte. */
public class Main {
    interface Bug {
        void run(int number) throws Exception;
    }

    public static void main(String[] arguments) {
        int number = Integer.parseInt(arguments[0]);
        Map<String, Bug> bugs = new LinkedHashMap<>();
        bugs.put("unknown_sku", n -> Pricing.priceOf("SKU-" + n));
        bugs.put("unknown_sku_in_total", n -> Pricing.total(List.of("apple", "SKU-" + n)));
        bugs.put("no_number", n -> Pricing.quantity("x" + n));
        bugs.put("no_number_at_any_depth", n -> Pricing.depth(n % 50));
        bugs.put("empty_basket", n -> new Pricing.Basket(List.of()));
        bugs.put("beyond_the_basket", n -> new Pricing.Basket(List.of("a")).reader().apply(n));
        bugs.put("retried_charge", n -> Remote.withRetry(Remote::charge, n));
        bugs.put("retried_reserve", n -> Remote.withRetry(Remote::reserve, n));
        bugs.put("wrapped_charge", n -> Remote.wrapped(Remote::charge, n));
        bugs.put("wrapped_reserve", n -> Remote.wrapped(Remote::reserve, n));
        bugs.put("twice_wrapped_charge", n -> Remote.wrapped(m -> Remote.wrapped(Remote::charge, m), n));
        bugs.put("closed_twice", n -> Remote.closing(n));
        bugs.put("proxied_charge", n -> Remote.proxied(Remote::charge).call(n));
        bugs.put("in_a_future", n -> CompletableFuture.runAsync(() -> Remote.reserve(n)).join());
        bugs.put("reflected", n -> Pricing.class.getDeclaredMethod("quantity", String.class).invoke(null, "y" + n));
        bugs.forEach((name, bug) -> attempt(name, bug, number));
    }

    private static void attempt(String name, Bug bug, int number) {
        try {
            bug.run(number);
        } catch (Exception error) {
            StringWriter stack = new StringWriter();
            error.printStackTrace(new PrintWriter(stack, true));
            System.out.print(String.join("\0", name, error.getClass().getName(), error.getMessage(), stack.toString(), ""));
        }
    }
}
