"""Records what Keras' callbacks decide and write, for tests/train/test_callbacks.c.

    python tests/golden/make_callbacks.py    # rewrites tests/golden/callbacks

Lines of decisions.txt (numbers as float.hex, fields separated by blanks, "-" for none):
    direction GENERATION CALLBACK MONITOR up|down|refused        callback: stopping, plateau, saving
    stopping GENERATION MODE MIN_DELTA PATIENCE START BASELINE VALUES STOPPED BEST
    plateau GENERATION MODE FACTOR PATIENCE MIN_DELTA COOLDOWN MIN_LR RATE VALUES RATES
    saving GENERATION MODE VALUES 1,0,1...
of numbers.txt:
    repr VALUE TEXT     float32 VALUE TEXT     format PATTERN EPOCH TEXT (or "refused"), by tabs, for the
    values of the line    logs NAME=VALUE,...
of csv.txt, whose results are the files csv_N.csv:
    csv N GENERATION APPEND, then    row EPOCH NAME=VALUE,...
The net whose metrics the directions are for is tests/golden/callbacks/net_g2.keras and net_g3.keras."""
import os

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import warnings  # noqa: E402

import numpy as np  # noqa: E402
import keras  # noqa: E402
import tf_keras  # noqa: E402

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "callbacks")
METRICS = ["accuracy", "mean_absolute_error", "AUC"]


def net(K, rate=0.1):
    K.backend.clear_session()
    model = K.Sequential([K.Input((2,), name="x"), K.layers.Dense(1, activation="sigmoid", name="dense")], name="net")
    model.compile(optimizer=K.optimizers.SGD(rate), loss="mean_squared_error", metrics=METRICS)
    model.evaluate(np.zeros((2, 2), "float32"), np.array([[0.0], [1.0]], "float32"), verbose=0)  # makes the metrics
    return model


def text(values):
    return ",".join(float(v).hex() for v in values) or "-"


def sequences(rng):
    """Walks with near ties, plateaus, a NaN."""
    for i in range(12):
        steps = rng.normal(size=12) * rng.choice([0.0, 1e-8, 1e-5, 1e-3, 0.1], size=12)
        values = list((1 - 0.01 * i * np.arange(12) + np.cumsum(steps)).astype("float32").astype("float64"))
        if i % 4 == 3:
            values[rng.integers(0, 12)] = float("nan")
        yield values


def decide(K, generation, lines):
    C = K.callbacks
    model = net(K)
    made = dict(stopping=lambda m, mode: C.EarlyStopping(monitor=m, mode=mode),
                plateau=lambda m, mode: C.ReduceLROnPlateau(monitor=m, mode=mode),
                saving=lambda m, mode: C.ModelCheckpoint("x.keras", monitor=m, mode=mode, save_best_only=True))
    for kind, make in made.items():
        for monitor in ("loss", "val_loss", "accuracy", "val_accuracy", "mean_absolute_error", "AUC", "val_AUC",
                        "auc", "nothing"):
            callback = make(monitor, "auto")
            callback.set_model(model)
            try:
                if generation == 3:
                    callback._set_monitor_op()
                    up = callback.monitor_op(2.0, 1.0)
                else:
                    up = callback.monitor_op(2.0, 1.0)
                answer = "up" if bool(up) else "down"
            except ValueError:
                answer = "refused"
            lines.append("direction %d %s %s %s" % (generation, kind, monitor, answer))
    rng = np.random.default_rng(7)
    for i, values in enumerate(sequences(rng)):
        mode = ["min", "max"][i % 2]
        delta, patience, start = [0.0, 1e-3, 0.05][i % 3], [0, 1, 3][i % 3], [0, 2][i // 3 % 2]
        baseline = [None, 0.98][i // 2 % 2]
        callback = C.EarlyStopping(monitor="val_loss", mode=mode, min_delta=delta, patience=patience, baseline=baseline,
                                   start_from_epoch=start)
        callback.set_model(model)
        model.stop_training = False
        callback.on_train_begin()
        stopped = -1
        for epoch, value in enumerate(values):
            callback.on_epoch_end(epoch, {"val_loss": value})
            if model.stop_training:
                stopped = epoch
                break
        lines.append("stopping %d %s %s %d %d %s %s %d %d" % (
            generation, mode, delta.hex(), patience, start, "-" if baseline is None else baseline.hex(), text(values),
            stopped, callback.best_epoch))
    for i, values in enumerate(sequences(rng)):
        mode, factor = ["min", "max"][i % 2], [0.1, 0.5, 0.7][i % 3]
        patience, delta = [1, 2, 0][i % 3], [1e-4, 1e-7, 0.02][i // 2 % 3]
        cooldown, low = [0, 2][i // 3 % 2], [0.0, 0.03][i // 4 % 2]
        model = net(K, 0.3)
        callback = C.ReduceLROnPlateau(monitor="val_loss", mode=mode, factor=factor, patience=patience, min_delta=delta,
                                       cooldown=cooldown, min_lr=low)
        callback.set_model(model)
        callback.on_train_begin()
        rates = []
        for epoch, value in enumerate(values):
            callback.on_epoch_end(epoch, {"val_loss": value})
            rates.append(float(model.optimizer.learning_rate.numpy()))
        lines.append("plateau %d %s %s %d %s %d %s %s %s %s" % (
            generation, mode, factor.hex(), patience, delta.hex(), cooldown, low.hex(), (0.3).hex(), text(values),
            text(rates)))
    for i, values in enumerate(sequences(rng)):
        saved = []
        callback = C.ModelCheckpoint("x.keras", monitor="val_loss", mode=["min", "max"][i % 2], save_best_only=True)
        model.save = lambda path, **arguments: saved.append(path)
        callback.set_model(model)
        callback.on_train_begin()
        answers = []
        for epoch, value in enumerate(values):
            del saved[:]
            callback.on_epoch_end(epoch, {"val_loss": value})
            answers.append(str(len(saved)))
        lines.append("saving %d %s %s %s" % (generation, ["min", "max"][i % 2], text(values), ",".join(answers)))


def numbers(lines):
    rng = np.random.default_rng(3)
    values = [0.0, -0.0, 1.0, -1.5, 100.0, 1e15, 1e16, 1.5e16, 123456789012345680.0, 1e-4, 1e-5, 0.00012345, 1e22, 1e23,
              5e-324, 1.7976931348623157e308, 0.1, 1 / 3, float("inf"), float("-inf"), float("nan")]
    values += [float(v) for v in rng.normal(size=20).astype("float32")]
    values += [float(v) for v in np.exp(rng.normal(size=20) * 30)]
    for value in values:
        lines.append("repr %s %r" % (value.hex(), value))
        if abs(value) < 1e6 or value != value:  # a learning rate
            single = np.float32(value)
            lines.append("float32 %s %s" % (float(single).hex(), str(single)))
    logs = dict(loss=0.123456789, val_loss=float(np.float32(0.7)), accuracy=1.0, big=12345678.9, small=-0.00001234)
    lines.append("logs " + ",".join("%s=%s" % (k, float(v).hex()) for k, v in logs.items()))
    for pattern in ("a{epoch}", "{epoch:02d}-{val_loss:.2f}.keras", "{epoch:5d}|{epoch:<5}|{epoch:^5}|{epoch:+}",
                    "{{{epoch:03}}}", "{loss}", "{loss:g}", "{big:.3e}", "{small:.2%}", "{accuracy:.4}", "{accuracy:.0f}",
                    "{big:12.1f}", "{small: .6f}", "{loss:*>12.3f}", "{loss:010.3f}",
                    "{small:010.6f}", "{epoch:x}", "{epoch:#x}", "{epoch:.1f}", "{val_loss:}", "{accuracy:G}",
                    "{nothing}", "{epoch", "epoch}", "{loss:d}", "{epoch:.2d}", "{big:.4}", "{big:g}"):
        try:
            answer = pattern.format(epoch=11, **logs)
        except (ValueError, KeyError):
            answer = "refused"
        lines.append("format\t%s\t11\t%s" % (pattern, answer))


def csv(lines):
    f = np.float32
    plain = [dict(loss=float(f(0.7)), accuracy=0.5), dict(loss=float(f(1e-5)), accuracy=1.0)]
    validated = [dict(loss=1.25, val_loss=float(f(0.1))), dict(loss=float("nan"), val_loss=3.0)]
    rare = [dict(loss=0.5, mae=0.25), dict(loss=0.25, mae=0.125, val_loss=1.0, val_mae=2.0)]
    rates = [dict(loss=0.5, rate=f(0.001)), dict(loss=0.5, rate=f(0.00001))]
    number = 0
    for K, generation in ((tf_keras, 2), (keras, 3)):
        for rows, append in ((plain, 0), (validated, 0), (rare, 0), (rates, 0), (plain, 1)):
            path = os.path.join(HERE, "csv_%d.csv" % number)
            key = "lr" if generation == 2 else "learning_rate"
            if append:
                with open(path, "w", newline="") as file:
                    file.write("epoch,accuracy,loss\r\n")
            elif os.path.exists(path):
                os.remove(path)
            logger = K.callbacks.CSVLogger(path, append=bool(append))
            logger.on_train_begin()
            lines.append("csv %d %d %d" % (number, generation, append))
            for epoch, row in enumerate(rows):
                row = {key if k == "rate" else k: v if k != "rate" or generation == 2 else float(v)
                       for k, v in row.items()}
                logger.on_epoch_end(epoch, row)
                lines.append("row %d %s" % (epoch, ",".join("%s=%s" % (k, float(v).hex()) for k, v in row.items())))
            logger.on_train_end()
            number += 1


def main():
    warnings.simplefilter("ignore")
    os.makedirs(HERE, exist_ok=True)
    lines = {"decisions": [], "numbers": [], "csv": []}
    for K, generation in ((tf_keras, 2), (keras, 3)):
        net(K).save(os.path.join(HERE, "net_g%d.keras" % generation))
        decide(K, generation, lines["decisions"])
    numbers(lines["numbers"])
    csv(lines["csv"])
    for name, content in lines.items():
        with open(os.path.join(HERE, name + ".txt"), "w") as file:
            file.write("\n".join(content) + "\n")


if __name__ == "__main__":
    main()
