// NestJS, without TypeScript: HTTP exceptions that are answers, and an error that is none.
const { trace } = require('./telemetry');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
const { NestInstrumentation } = require('@opentelemetry/instrumentation-nestjs-core');
trace(new HttpInstrumentation(), new ExpressInstrumentation(), new NestInstrumentation());
require('reflect-metadata');
const { BadRequestException, Controller, Get, Module, NotFoundException, Post } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');

class ItemService {
  find() {
    throw new NotFoundException('no such item');
  }
  check() {
    throw new BadRequestException('name is missing');
  }
  ship() {
    throw new Error('parcel is too heavy');
  }
}

class ItemController {
  items = new ItemService();
  find() {
    return this.items.find();
  }
  create() {
    return this.items.check();
  }
  ship() {
    return this.items.ship();
  }
}

function route(decorate, name) {
  decorate(ItemController.prototype, name, Object.getOwnPropertyDescriptor(ItemController.prototype, name));
}
route(Get('item/:id'), 'find');
route(Post('items'), 'create');
route(Get('ship'), 'ship');
Controller()(ItemController);

class AppModule {}
Module({ controllers: [ItemController] })(AppModule);

NestFactory.create(AppModule, { logger: false }).then((app) => app.listen(process.env.PORT, '127.0.0.1'));
